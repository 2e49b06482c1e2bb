// Benthos with the components that our pipelines use, and our own for what stands between a pipeline and a downstream.
package main

import (
	"context"

	_ "github.com/benthosdev/benthos/v4/public/components/io"
	_ "github.com/benthosdev/benthos/v4/public/components/nats"
	_ "github.com/benthosdev/benthos/v4/public/components/prometheus"
	_ "github.com/benthosdev/benthos/v4/public/components/pulsar"
	_ "github.com/benthosdev/benthos/v4/public/components/pure"
	_ "github.com/benthosdev/benthos/v4/public/components/sql/base"
	"github.com/benthosdev/benthos/v4/public/service"

	// The driver of sql_insert for PostgreSQL.
	_ "github.com/lib/pq"

	_ "messaging/offline/benthos/downstream"
)

func main() {
	service.RunCLI(context.Background())
}
