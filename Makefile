# Python 3.11 or newer and make are all that is needed; everything else goes into .venv.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
UV := $(BIN)/uv
PROTOS = $(shell find protos -name '*.proto' | sort)
SERVICES = $(shell grep -l '^service ' $(PROTOS))
PROTOC = $(BIN)/python -m grpc_tools.protoc -Iprotos
LOCK = $(UV) pip compile --quiet --no-header --no-emit-index-url --no-emit-find-links --generate-hashes \
  --python-version 3.11 --universal
T ?= tests

.DEFAULT_GOAL := check
.PHONY: help setup lock run demo test chaos clients conformance check lint types protos-check generate generated-check reference reference-test readme readme-check deploy-check release wheel-check clean bench profile

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## Make .venv with everything in it (quick when nothing changed)

.venv/.ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

lock: ## Renew requirements.lock from pyproject.toml, and what of it goes into the image
	$(LOCK) pyproject.toml --group dev -o requirements.lock
	$(LOCK) pyproject.toml --all-extras -c requirements.lock -o deploy/runtime.lock
	$(LOCK) --group build -c requirements.lock -o deploy/build.lock

run: setup ## Start gateway, sandbox and an operator's wallet
	@$(BIN)/betstack-gateway run

demo: setup ## Place bets through gateway and sandbox, print each call, and end
	@$(BIN)/betstack-gateway demo

test: setup ## Run the tests (T=tests/wire for some of them, TRANSPORT=httpx over the other transport)
	@$(if $(TRANSPORT),GATEWAY_UPSTREAM__TRANSPORT=$(TRANSPORT)) $(BIN)/pytest -n 4 --dist worksteal $(T)

chaos: setup ## Bets and webhooks under faults and kills: nothing lost, nothing doubled (four minutes)
	@$(BIN)/python -m tests.chaos

clients: setup ## Build clients in Go, Java and Node.js and run them against gateway and sandbox (CLIENT=go: one)
	@$(BIN)/python -m tests.clients $(CLIENT)

conformance: setup ## Generated requests to every RPC, EXAMPLES=200 to each, and a verdict on every answer (SEED=0)
	@$(BIN)/python -m tests.conformance --examples $(or $(EXAMPLES),200) --seed $(or $(SEED),0)

bench: setup ## Measure speed beside other ways and write BENCHMARKS.md (ten minutes; QUICK=1: one, nothing written)
	@$(BIN)/python -m tests.benchmark $(if $(QUICK),--quick,--output BENCHMARKS.md)

profile: setup ## Where a call's time goes: flame graphs in build/, a table by stage (SECONDS=10 for each of four looks)
	@$(BIN)/python -m tests.benchmark.profile --output build $(if $(SECONDS),--seconds $(SECONDS))

check: setup lint types protos-check generated-check readme-check deploy-check test wheel-check ## Everything that needs Python alone; CI runs it and more

lint: setup ## Style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## Types
	@$(BIN)/mypy

protos-check: setup ## Contract: style, comments, and nothing broken since the last release
	@$(BIN)/buf lint protos
	@$(BIN)/buf format --diff --exit-code protos
	@$(BIN)/buf breaking protos --against protos/released.binpb

generate: setup ## Make generated/ from protos/
	@scratch=$$(mktemp -d) && $(MAKE) --no-print-directory generated-into OUT=$$scratch \
	  && mkdir -p generated && cp -R $$scratch/. generated/ && rm -rf $$scratch
	@$(MAKE) --no-print-directory reference

generated-into:
	@mkdir -p $(OUT)/betstack
	@$(PROTOC) --python_out=$(OUT) --pyi_out=$(OUT) $(PROTOS)
	@$(PROTOC) --grpc_python_out=$(OUT) $(SERVICES)
	@$(PROTOC) --include_imports --include_source_info --descriptor_set_out=$(OUT)/betstack/contract.binpb $(PROTOS)
	@touch $(OUT)/betstack/py.typed
	@PYTHONPATH=$(OUT) $(BIN)/python -m gateway service-config -o $(OUT)/betstack/service_config.json

generated-check: setup ## Fail if generated/ is not what protos/ says
	@scratch=$$(mktemp -d) && $(MAKE) --no-print-directory generated-into OUT=$$scratch \
	  && PYTHONPATH=$$scratch $(BIN)/python -m gateway reference -o $$scratch \
	  && diff -r -x __pycache__ $$scratch generated && rm -rf $$scratch

reference: setup ## Make generated/reference.html and .md: the contract, with examples of every call
	@$(BIN)/python -m gateway reference -o generated

reference-test: setup ## Read the reference with a browser (Debian: chromium, chromium-driver)
	@$(BIN)/pytest tests/reference/test_browser.py

readme: setup ## Write the tables and help texts of the README
	@$(BIN)/python -m gateway.cli.readme README.md

readme-check: setup ## Fail if the README is not what the program prints
	@$(BIN)/python -m gateway.cli.readme --check README.md

deploy-check: setup ## Containerfile, Kubernetes manifest and compose file against their schemas
	@$(BIN)/hadolint deploy/Containerfile
	@$(BIN)/kubernetes-validate --quiet --strict deploy/kubernetes.yaml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml

release: setup ## Take today's contract as the released one that later ones may not break
	@$(BIN)/buf build protos -o protos/released.binpb --exclude-source-info

wheel-check: setup ## Build the wheel, install it into an empty environment and run the demo from there
	@scratch=$$(mktemp -d) && $(UV) build --quiet --wheel --no-build-isolation --python $(BIN)/python -o $$scratch . \
	  && $(BIN)/python -m tests.deploy.wheel $$scratch/*.whl \
	  && $(UV) venv --quiet --python $(BIN)/python $$scratch/venv \
	  && $(UV) pip install --quiet --python $$scratch/venv/bin/python -c requirements.lock $$scratch/*.whl \
	  && (cd $$scratch && venv/bin/betstack-gateway demo > demo.log || (cat demo.log; exit 1)) \
	  && $(UV) pip install --quiet --python $$scratch/venv/bin/python --require-hashes -r deploy/runtime.lock \
	  && $(UV) pip check --quiet --python $$scratch/venv/bin/python \
	  && rm -rf $$scratch && echo "wheel: it has the contract, and the demo runs from an empty environment"

clean: ## Remove what the other targets made
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
	@cd tests/clients && rm -rf go/bin go/stubs java/target node/build node/node_modules node/src/stubs
