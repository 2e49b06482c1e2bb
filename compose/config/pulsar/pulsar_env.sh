# Managed by Pulumi: change the stack config, not this file.
JAVA_HOME="/opt/jvm"
PULSAR_LOG_DIR="/pulsar/logs"
PULSAR_MEM="-Xms1024m -Xmx2048m -XX:MaxDirectMemorySize=512m -XX:MaxMetaspaceSize=160m -XX:ReservedCodeCacheSize=64m -Xss512k"
PULSAR_GC="-XX:+UseG1GC -XX:MaxGCPauseMillis=10 -XX:+ParallelRefProcEnabled -XX:+PerfDisableSharedMem"
PULSAR_GC_LOG="-Xlog:async -Xlog:gc*,safepoint:file=/pulsar/logs/gc.log:time,uptime,tags:filecount=5,filesize=10M"
PULSAR_EXTRA_OPTS="-Dpulsar.allocator.exit_on_oom=true -Dio.netty.recycler.maxCapacityPerThread=4096 -XX:+ExitOnOutOfMemoryError"
MALLOC_ARENA_MAX="2"
