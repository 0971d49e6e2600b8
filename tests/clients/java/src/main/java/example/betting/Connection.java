package example.betting;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import io.grpc.CallCredentials;
import io.grpc.ChannelCredentials;
import io.grpc.CompositeChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executor;

/** How the gateway is reached. */
final class Connection {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private Connection() {}

  /**
   * Opens a channel: over TLS where a CA is given, with a token where one is given. How long calls wait and which are
   * repeated is said by the gateway's service config.
   */
  static ManagedChannel open(String target, Path caFile, Path tokenFile, Path serviceConfigFile) throws IOException {
    Map<String, ?> serviceConfig = new Gson().fromJson(Files.readString(serviceConfigFile), new TypeToken<>() {});
    return Grpc.newChannelBuilder(target, credentials(caFile, tokenFile))
        .defaultServiceConfig(serviceConfig)
        .enableRetry()
        .build();
  }

  private static ChannelCredentials credentials(Path caFile, Path tokenFile) throws IOException {
    if (caFile == null) {
      return InsecureChannelCredentials.create();
    }
    ChannelCredentials tls = TlsChannelCredentials.newBuilder().trustManager(caFile.toFile()).build();
    if (tokenFile == null) {
      return tls;
    }
    return CompositeChannelCredentials.create(tls, new Bearer(Files.readString(tokenFile).strip()));
  }

  /** A token that travels with every call, over TLS only. */
  private static final class Bearer extends CallCredentials {
    private final Metadata shown = new Metadata();

    Bearer(String token) {
      shown.put(AUTHORIZATION, "Bearer " + token);
    }

    @Override
    public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
      applier.apply(shown);
    }
  }
}
