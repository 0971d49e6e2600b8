// Command wallet is an operator's player account system in Go: it takes the platform's webhooks from the gateway over
// mutual TLS, and keeps a book in which what comes twice is written once.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	pamv1 "betstack.example/clients/stubs/betstack/pam/v1"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:50052", "host and port")
	file := flag.String("book", "wallet.db", "the file of the book")
	certFile := flag.String("cert-file", "", "the certificate that the gateway is shown")
	keyFile := flag.String("key-file", "", "its key")
	clientCAFile := flag.String("client-ca-file", "", "who vouches for the gateway")
	player := flag.String("player", "demo", "token of the player who is there from the start, with 1,000 KES")
	flag.Parse()
	if err := serve(*listen, *file, *certFile, *keyFile, *clientCAFile, *player); err != nil {
		log.Fatal(err)
	}
}

func serve(listen, file, certFile, keyFile, clientCAFile, player string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	book, err := openBook(file)
	if err != nil {
		return err
	}
	defer book.Close()
	if err := book.openAccount(ctx, player, "KES", 1_000_00); err != nil {
		return err
	}
	credentials, err := mutualTLS(certFile, keyFile, clientCAFile)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.Creds(credentials))
	pamv1.RegisterPamServiceServer(server, wallet{book: book})
	healthv1.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	context.AfterFunc(ctx, server.Stop) // what is not answered then is sent again
	return server.Serve(listener)
}

// mutualTLS shows a certificate, and takes nobody without one that the CA vouches for.
func mutualTLS(certFile, keyFile, clientCAFile string) (credentials.TransportCredentials, error) {
	own, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	authorities, err := os.ReadFile(clientCAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s: no certificate in it", clientCAFile)
	}
	return credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{own},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool,
		MinVersion:   tls.VersionTLS12,
	}), nil
}
