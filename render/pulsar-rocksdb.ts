import { lines, MANAGED_BY } from "./text";

const MIB = 2 ** 20;

/** Sizes of one RocksDB of the bookie, in bytes. */
interface RocksDb {
  readonly blockCacheBytes: number;
  readonly writeBufferBytes: number;
  readonly maxTotalWalBytes: number;
}

/** Where each entry lies in the entry logs: read for every entry that is not cached. */
const ENTRY_LOCATION: RocksDb = { blockCacheBytes: 16 * MIB, writeBufferBytes: 8 * MIB, maxTotalWalBytes: 64 * MIB };

/** A row for each ledger. */
const LEDGER_METADATA: RocksDb = { blockCacheBytes: 4 * MIB, writeBufferBytes: 4 * MIB, maxTotalWalBytes: 16 * MIB };

/** entry_location_rocksdb.conf: the distribution's sizes are 197 MiB of cache and four memtables of 64 MiB. */
export function entryLocationRocksdbConf(): string {
  return rocksDbOptions(ENTRY_LOCATION);
}

/** ledger_metadata_rocksdb.conf; RocksDB 7.9 refuses the one in Pulsar 3.3.6 (an option stands in the wrong section). */
export function ledgerMetadataRocksdbConf(): string {
  return rocksDbOptions(LEDGER_METADATA);
}

/**
 * An options file of RocksDB. Two memtables each, level compaction with sizes that fit small tables on an SSD, and a bloom filter for look-ups of what is
 * not there. https://github.com/facebook/rocksdb/wiki/RocksDB-Options-File
 */
function rocksDbOptions({ blockCacheBytes, writeBufferBytes, maxTotalWalBytes }: RocksDb): string {
  const section = (name: string, entries: Readonly<Record<string, string | number>>) =>
    `[${name}]\n${lines(entries, (key, value) => `  ${key}=${value}`)}\n`;
  return [
    `# ${MANAGED_BY}\n\n`,
    section("DBOptions", {
      create_if_missing: "true",
      info_log_level: "INFO_LEVEL",
      keep_log_file_num: 5,
      max_background_jobs: 2,
      max_open_files: 256,
      max_total_wal_size: maxTotalWalBytes,
    }),
    section('CFOptions "default"', {
      compression: "kLZ4Compression",
      write_buffer_size: writeBufferBytes,
      max_write_buffer_number: 2,
      level0_file_num_compaction_trigger: 4,
      max_bytes_for_level_base: 64 * MIB,
      target_file_size_base: 16 * MIB,
      level_compaction_dynamic_level_bytes: "true",
    }),
    section('TableOptions/BlockBasedTable "default"', {
      block_size: 65_536,
      block_cache: blockCacheBytes,
      format_version: 2,
      checksum: "kxxHash",
      filter_policy: "rocksdb.BloomFilter:10:false",
      cache_index_and_filter_blocks: "true",
    }),
  ].join("");
}
