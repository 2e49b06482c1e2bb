# Forwards to `docker compose` (docs/compose.md) and to the npm scripts, for those who type make. Nothing is done here.

-include .env

.PHONY: up-stack down-stack health-nats health-pulsar logs-stack up preview destroy status test

up-stack:
	docker compose up --detach --wait

down-stack:
	docker compose down

logs-stack:
	docker compose logs --follow

health-nats:
	curl --fail --silent --show-error http://127.0.0.1:$(or $(NATS_MONITORING_PORT),8222)/healthz

health-pulsar:
	curl --fail --silent --show-error http://127.0.0.1:$(or $(PULSAR_WEB_PORT),8080)/admin/v2/brokers/health

up preview destroy status:
	npm run $@

test:
	npm test
