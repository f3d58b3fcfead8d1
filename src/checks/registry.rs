//! The list of checks, in the order in which they are shown.

use super::{
    Entry, Perform, damaged, dual_write, eviction, expiry, expiry_clock, isolation, lock,
    lost_update, restart, retry, retry_refusals, round_trip, stampede, versions,
};
use crate::domain::check::{Check, Group};

/// Every check.
#[must_use]
pub fn all() -> &'static [Entry] {
    &ALL
}

/// What a check proves, the mistake, and who makes it and who does not.
struct Words {
    title: &'static str,
    proves: &'static str,
    hazard: &'static str,
    naive: &'static str,
    sound: &'static str,
}

const fn entry(group: Group, id: &'static str, perform: Perform, words: Words) -> Entry {
    Entry {
        check: Check {
            id,
            group,
            title: words.title,
            proves: words.proves,
            hazard: words.hazard,
            naive: words.naive,
            sound: words.sound,
            own_server: None,
            yours: false,
            forced: false,
        },
        perform,
    }
}

impl Entry {
    /// It cannot run on a server that we did not start.
    const fn own(mut self, why: &'static str) -> Entry {
        self.check.own_server = Some(why);
        self
    }

    /// The user's store can stand before it.
    const fn yours(mut self) -> Entry {
        self.check.yours = true;
        self
    }

    /// The hazard must be brought about.
    const fn forced(mut self) -> Entry {
        self.check.forced = true;
        self
    }
}

const ALL: [Entry; 67] = [
    entry(Group::RoundTrip, "round-trip-types", round_trip::types, Words { title: "Types and nesting", proves: "Objects, nested values, text that looks like a number, null and everything empty come back with value and type, in every layout", hazard: "Members are written with str() and read back as they look: \"42\" becomes 42, an empty list becomes nothing", naive: "a store that writes str() of its members", sound: "typed JSON" }).yours(),
    entry(Group::RoundTrip, "round-trip-numbers", round_trip::numbers, Words { title: "Large integers and decimals", proves: "Integers beyond 2^53 and decimals keep every digit", hazard: "Numbers pass through a double", naive: "a store whose numbers are doubles", sound: "integers as they are, decimals digit by digit" }).yours(),
    entry(Group::RoundTrip, "round-trip-times", round_trip::times, Words { title: "Times with zones", proves: "A time comes back with its offset", hazard: "Times are written without their offset: an hour is ambiguous twice a year", naive: "a store that writes local times", sound: "RFC 3339 with the offset" }).yours(),
    entry(Group::RoundTrip, "round-trip-text", round_trip::text, Words { title: "Text in any language", proves: "Chinese, emoji, right-to-left and control characters come back byte by byte", hazard: "Text is cut to a number of bytes in the middle of a character", naive: "a store with a limit in bytes", sound: "whole text" }).yours(),
    entry(Group::RoundTrip, "round-trip-large", round_trip::large_text, Words { title: "One MiB of many lines", proves: "A message of 1 MiB with line feeds comes back whole and as one", hazard: "Messages are separated by line feeds and not escaped", naive: "a store that joins messages with line feeds", sound: "one escaped entry a message" }).yours(),
    entry(Group::RoundTrip, "round-trip-bytes", round_trip::bytes, Words { title: "Raw bytes", proves: "Bytes that are no text come back as bytes", hazard: "Bytes are decoded as text, with replacement characters", naive: "a client that decodes every response", sound: "bytes with a tag of their own" }).yours(),
    entry(Group::DamagedData, "damaged-data-invalid", damaged::invalid_json, Words { title: "Invalid JSON in one entry", proves: "A damaged entry is named and all others are read, in every layout", hazard: "One entry that cannot be decoded makes the whole session look empty", naive: "except JSONDecodeError: return []", sound: "entry by entry, damage named" }).yours(),
    entry(Group::DamagedData, "damaged-data-truncated", damaged::truncated_json, Words { title: "Half an entry", proves: "An entry cut in the middle is named and all others are read", hazard: "Half an entry makes the whole session look empty", naive: "except JSONDecodeError: return []", sound: "entry by entry, damage named" }).yours(),
    entry(Group::DamagedData, "damaged-data-wrong-type", damaged::wrong_type, Words { title: "Another type under the key", proves: "WRONGTYPE becomes a clear error, and other sessions stay readable", hazard: "WRONGTYPE is caught and looks like a session without messages", naive: "except RedisError: return []", sound: "an error that names the key" }).yours(),
    entry(Group::DamagedData, "damaged-data-context", damaged::context, Words { title: "A damaged context", proves: "A context that cannot be decoded is an error, not an absence", hazard: "A context that cannot be decoded is loaded as None", naive: "except JSONDecodeError: return None", sound: "an error that names the key" }).yours(),
    entry(Group::SchemaVersions, "schema-versions-matrix", versions::matrix, Words { title: "Three writers, three readers", proves: "Messages of formats v1, v2 and v3 are read by every reader", hazard: "A reader knows the format of its own release only", naive: "strict readers, one format each", sound: "readers that know all formats" }).yours(),
    entry(Group::SchemaVersions, "schema-versions-unknown-role", versions::unknown_role, Words { title: "An unknown role", proves: "A role that a later release brings is read and kept", hazard: "An unknown role is an exception", naive: "a reader with an enumeration of roles", sound: "roles are kept as they are" }).yours(),
    entry(Group::SchemaVersions, "schema-versions-extra-field", versions::extra_field, Words { title: "An extra member", proves: "A member that a later release brings is read and kept", hazard: "An unknown member is an exception", naive: "a reader that forbids unknown members", sound: "unknown members are kept" }).yours(),
    entry(Group::SchemaVersions, "schema-versions-timestamp", versions::changed_timestamp, Words { title: "A changed timestamp", proves: "Seconds, milliseconds and ISO text are the same instant to the reader", hazard: "The timestamp's format is fixed", naive: "a reader of seconds only", sound: "a reader of all three" }).yours(),
    entry(Group::Expiry, "expiry-set", expiry::set, Words { title: "Time to live at the first write", proves: "A session has its time to live from its first instant", hazard: "SET and EXPIRE are two commands, and the process ends between", naive: "SET, then EXPIRE", sound: "SET with PX" }),
    entry(Group::Expiry, "expiry-policy", expiry::policy, Words { title: "A store with a policy of an hour", proves: "Everything that the store writes has its time to live, and an append renews it", hazard: "The store ignores the time to live that was configured", naive: "a store that knows no time to live", sound: "a store that sets and renews it with every write" }).yours(),
    entry(Group::Expiry, "expiry-refreshed", expiry::refreshed, Words { title: "Renewed by an append", proves: "An active chat does not expire", hazard: "The time to live is set when the session is made, and never again", naive: "EXPIRE at creation only", sound: "EXPIRE with every append" }),
    entry(Group::Expiry, "expiry-lost-by-set", expiry::lost_by_set, Words { title: "Lost by a plain SET", proves: "An update leaves the time to live as it is", hazard: "A plain SET takes the time to live away", naive: "SET", sound: "SET with KEEPTTL" }),
    entry(Group::Expiry, "expiry-zero", expiry::expire_zero, Words { title: "EXPIRE 0", proves: "\"For ever\" leaves the session there", hazard: "EXPIRE 0 deletes the key at once", naive: "EXPIRE key 0", sound: "PERSIST key" }),
    entry(Group::Expiry, "expiry-falsy", expiry::falsy_ttl, Words { title: "A configured time to live of 0", proves: "A time to live of 0 is refused with an error", hazard: "The client drops a falsy time to live, and the key lives for ever", naive: "if ttl: expire()", sound: "SET with EX, always" }),
    entry(Group::Expiry, "expiry-without-ttl", expiry::without_ttl, Words { title: "A session that comes back", proves: "A message after the expiry makes a session with a time to live", hazard: "The key comes back by RPUSH alone, without a time to live", naive: "RPUSH", sound: "RPUSH and PEXPIRE in one transaction" }),
    entry(Group::Expiry, "expiry-five-minutes", expiry::five_minutes, Words { title: "The policy becomes five minutes", proves: "A new policy does not shorten the life of older sessions", hazard: "Every touch sets the new, shorter time to live", naive: "EXPIRE with the new policy", sound: "a time to live only ever grows" }),
    entry(Group::Expiry, "expiry-while-down", expiry_clock::while_down, Words { title: "Expired while the server was down", proves: "Sessions that expired during the downtime are not counted as a crash loss", hazard: "What is missing after a restart is counted as lost", naive: "a judge that counts what is missing", sound: "a judge that knows each deadline" }).own("it kills and restarts the server").forced(),
    entry(Group::Expiry, "expiry-lazy-active", expiry_clock::lazy_and_active, Words { title: "Lazy and active expiry", proves: "Expired sessions that still lie there are not counted as living", hazard: "DBSIZE counts keys whose time is over", naive: "DBSIZE", sound: "EXISTS of each session" }).own("it turns the server's active expiry off").forced(),
    entry(Group::Eviction, "eviction-allkeys-lru", eviction::allkeys_lru, Words { title: "allkeys-lru", proves: "Sessions that the policy evicts are still found", hazard: "Redis is the only place of a session, and a missing one looks like a new chat", naive: "a store without an archive", sound: "a store that reads through to SQLite" }).own("it fills the server's memory").forced(),
    entry(Group::Eviction, "eviction-allkeys-lfu", eviction::allkeys_lfu, Words { title: "allkeys-lfu", proves: "Sessions that the policy evicts are still found", hazard: "Redis is the only place of a session, and a missing one looks like a new chat", naive: "a store without an archive", sound: "a store that reads through to SQLite" }).own("it fills the server's memory").forced(),
    entry(Group::Eviction, "eviction-volatile-lru", eviction::volatile_lru, Words { title: "volatile-lru", proves: "Sessions that the policy evicts are still found, and none without a time to live goes", hazard: "A time to live makes a session a candidate for eviction long before it expires", naive: "a store without an archive", sound: "a store that reads through to SQLite" }).own("it fills the server's memory").forced(),
    entry(Group::Eviction, "eviction-volatile-ttl", eviction::volatile_ttl, Words { title: "volatile-ttl", proves: "Sessions that the policy evicts are still found, and none without a time to live goes", hazard: "The sessions that would expire first go first", naive: "a store without an archive", sound: "a store that reads through to SQLite" }).own("it fills the server's memory").forced(),
    entry(Group::Eviction, "eviction-noeviction", eviction::noeviction, Words { title: "noeviction", proves: "A write that the full server refuses is told as OOM", hazard: "The refusal is swallowed and the session believed saved", naive: "except RedisError: return False, unread", sound: "the refusal is passed on" }).own("it fills the server's memory").forced(),
    entry(Group::LostUpdate, "lost-update-push", lost_update::push, Words { title: "RPUSH", proves: "No message vanishes at 2, 8 and 32 writers with RPUSH", hazard: "GET, append, SETEX: the last writer wins", naive: "read-modify-write of a context", sound: "RPUSH" }).yours().forced(),
    entry(Group::LostUpdate, "lost-update-watch", lost_update::watch, Words { title: "WATCH and MULTI", proves: "No message vanishes at 2, 8 and 32 writers with WATCH, MULTI, EXEC and a retry", hazard: "GET, append, SETEX: the last writer wins", naive: "read-modify-write of a context", sound: "WATCH, MULTI, EXEC, again until it fits" }).forced(),
    entry(Group::LostUpdate, "lost-update-lua", lost_update::lua, Words { title: "Lua", proves: "No message vanishes at 2, 8 and 32 writers with a script", hazard: "GET, append, SETEX: the last writer wins", naive: "read-modify-write of a context", sound: "a script" }).forced(),
    entry(Group::Lock, "lock-get-then-set", lock::get_then_set, Words { title: "Get, then set", proves: "Of many contenders one gets the lock", hazard: "A contender looks whether the lock is free, and takes it with a second command", naive: "GET, then SET", sound: "SET with NX and PX" }).forced(),
    entry(Group::Lock, "lock-paused-holder", lock::paused_holder, Words { title: "Paused past the lease", proves: "A holder that was paused past its lease cannot overwrite its successor's work", hazard: "A holder believes in its lease for ever", naive: "a write without a token", sound: "a fencing token that the store compares" }).forced(),
    entry(Group::Lock, "lock-foreign-release", lock::foreign_release, Words { title: "Released by somebody else", proves: "Only the holder can release the lock", hazard: "DEL releases whoever holds it", naive: "DEL", sound: "compare and delete in one script" }).forced(),
    entry(Group::Lock, "lock-dead-holder", lock::dead_holder, Words { title: "A holder that dies", proves: "The lock of a dead holder becomes free", hazard: "SETNX and EXPIRE are two commands, and the holder dies between", naive: "SETNX, then EXPIRE", sound: "SET with NX and PX" }).forced(),
    entry(Group::Retry, "retry-lost-reply", retry::lost_reply, Words { title: "The reply is lost", proves: "A retry after a lost reply leaves one message, not two", hazard: "The write was executed, its reply is lost, and the retry writes again", naive: "append without a look", sound: "append that knows the message's id" }).yours().forced(),
    entry(Group::Retry, "retry-timeout", retry::timeout, Words { title: "No answer in time", proves: "A write without an answer is called unknown", hazard: "A time-out is reported as \"not saved\"", naive: "every exception is False", sound: "unknown is an outcome of its own" }).forced(),
    entry(Group::Retry, "retry-reset", retry::reset, Words { title: "Connection reset", proves: "A write that a reset has stopped is told, and a retry brings it in", hazard: "The exception is logged and the message gone", naive: "fire and forget", sound: "an error, and a retry" }).forced(),
    entry(Group::Retry, "retry-pool", retry::pool_exhausted, Words { title: "Pool exhausted", proves: "A writer without a free connection is told in time", hazard: "The exception is logged and the message gone", naive: "fire and forget", sound: "an error, and a retry" }).forced(),
    entry(Group::Retry, "retry-misconf", retry_refusals::misconf, Words { title: "MISCONF", proves: "A server that cannot persist and refuses writes is passed on, and the retry gets in", hazard: "MISCONF is logged and the message gone", naive: "except RedisError: log", sound: "the server's word is passed on" }).own("it makes a snapshot of the server fail").forced(),
    entry(Group::Retry, "retry-loading", retry_refusals::loading, Words { title: "LOADING", proves: "A server that is still loading is passed on, and the retry gets in", hazard: "LOADING is logged and the message gone", naive: "except RedisError: log", sound: "the server's word is passed on" }).own("it kills and restarts the server").forced(),
    entry(Group::Retry, "retry-readonly", retry_refusals::read_only, Words { title: "READONLY", proves: "A server that a failover has made a replica is passed on, and the retry gets in", hazard: "READONLY is logged and the message gone", naive: "except RedisError: log", sound: "the server's word is passed on" }).own("it makes a replica of the server").forced(),
    entry(Group::Retry, "retry-moved", retry_refusals::moved, Words { title: "MOVED", proves: "A write whose slot has moved goes to the node that is named", hazard: "MOVED is logged and the message gone", naive: "except RedisError: log", sound: "the redirection is followed" }).own("it takes a cluster of two nodes").forced(),
    entry(Group::DualWrite, "dual-write-delete-first", dual_write::delete_then_db, Words { title: "Delete the cache, then write the database", proves: "A reader between the two steps cannot bring the old value back for long", hazard: "The cache is emptied first; a reader puts the old row back before the database is written", naive: "delete, then write", sound: "write, then a fill that knows versions" }).forced(),
    entry(Group::DualWrite, "dual-write-db-first", dual_write::db_then_delete, Words { title: "Write the database, then delete the cache", proves: "A reader that read the old row cannot fill the cache with it afterwards", hazard: "A reader misses, reads the old row, and fills the cache after the deletion", naive: "a fill that overwrites", sound: "a fill that knows versions" }).forced(),
    entry(Group::DualWrite, "dual-write-through", dual_write::write_through, Words { title: "Write through, two writers", proves: "Cache and database end with the same writer's value", hazard: "Two writers reach database and cache in different orders", naive: "a fill that overwrites", sound: "a fill that knows versions" }).forced(),
    entry(Group::DualWrite, "dual-write-crash", dual_write::crash_between, Words { title: "A crash between the two", proves: "After a restart cache and database converge", hazard: "The process ends between database and cache", naive: "nothing is noted", sound: "a note in the same transaction, carried out at the start" }).forced(),
    entry(Group::DualWrite, "dual-write-db-down", dual_write::db_down, Words { title: "The database is down", proves: "A write that the database refuses changes no cache", hazard: "The cache is written before the database", naive: "cache first", sound: "database first" }).forced(),
    entry(Group::DualWrite, "dual-write-cache-down", dual_write::cache_down, Words { title: "The cache is down", proves: "A cache that was away while the database changed converges once it is back", hazard: "The deletion fails and is forgotten; the cache comes back with what it had", naive: "the error is swallowed", sound: "a note in the same transaction, carried out later" }).own("it kills and restarts the server").forced(),
    entry(Group::DualWrite, "dual-write-asymmetric", dual_write::asymmetric, Words { title: "Serialised in two ways", proves: "A value is the same, from cache or database", hazard: "JSON for the cache, str() for the database", naive: "two serialisers", sound: "one serialiser" }),
    entry(Group::Stampede, "stampede-one-expiry", stampede::one_expiry, Words { title: "One expiry, 64 readers", proves: "64 readers that miss at once make one rebuild", hazard: "Every reader that misses rebuilds", naive: "no lock", sound: "SET with NX and PX, the others wait" }).forced(),
    entry(Group::Restart, "restart-rdb-5s", restart::on_preset, Words { title: "Preset rdb-5s", proves: "On rdb-5s a session keeps after a kill and after a stop what the preset promises", hazard: "The restart is none: the container is removed and made anew, as the article's harness does", naive: "stop() and start() of a container", sound: "the same server on the same data" }).own("it kills and restarts the server").yours().forced(),
    entry(Group::Restart, "restart-rdb-defaults", restart::on_preset, Words { title: "Preset rdb-defaults", proves: "On rdb-defaults a session keeps after a kill and after a stop what the preset promises", hazard: "The restart is none: the container is removed and made anew, as the article's harness does", naive: "stop() and start() of a container", sound: "the same server on the same data" }).own("it kills and restarts the server").yours().forced(),
    entry(Group::Restart, "restart-rdb-classic", restart::on_preset, Words { title: "Preset rdb-classic", proves: "On rdb-classic a session keeps after a kill and after a stop what the preset promises", hazard: "The restart is none: the container is removed and made anew, as the article's harness does", naive: "stop() and start() of a container", sound: "the same server on the same data" }).own("it kills and restarts the server").yours().forced(),
    entry(Group::Restart, "restart-aof-everysec", restart::on_preset, Words { title: "Preset aof-everysec", proves: "On aof-everysec a session keeps after a kill and after a stop what the preset promises", hazard: "The restart is none: the container is removed and made anew, as the article's harness does", naive: "stop() and start() of a container", sound: "the same server on the same data" }).own("it kills and restarts the server").yours().forced(),
    entry(Group::Restart, "restart-aof-everysec-no-fsync-on-rewrite", restart::on_preset, Words { title: "Preset aof-everysec-no-fsync-on-rewrite", proves: "On aof-everysec-no-fsync-on-rewrite a session keeps after a kill and after a stop what the preset promises", hazard: "The restart is none: the container is removed and made anew, as the article's harness does", naive: "stop() and start() of a container", sound: "the same server on the same data" }).own("it kills and restarts the server").yours().forced(),
    entry(Group::Restart, "restart-aof-always", restart::on_preset, Words { title: "Preset aof-always", proves: "On aof-always a session keeps after a kill and after a stop what the preset promises", hazard: "The restart is none: the container is removed and made anew, as the article's harness does", naive: "stop() and start() of a container", sound: "the same server on the same data" }).own("it kills and restarts the server").yours().forced(),
    entry(Group::Restart, "restart-aof-no", restart::on_preset, Words { title: "Preset aof-no", proves: "On aof-no a session keeps after a kill and after a stop what the preset promises", hazard: "The restart is none: the container is removed and made anew, as the article's harness does", naive: "stop() and start() of a container", sound: "the same server on the same data" }).own("it kills and restarts the server").yours().forced(),
    entry(Group::Restart, "restart-mixed", restart::on_preset, Words { title: "Preset mixed", proves: "On mixed a session keeps after a kill and after a stop what the preset promises", hazard: "The restart is none: the container is removed and made anew, as the article's harness does", naive: "stop() and start() of a container", sound: "the same server on the same data" }).own("it kills and restarts the server").yours().forced(),
    entry(Group::Restart, "restart-none", restart::on_none, Words { title: "Preset none", proves: "A store that must not forget keeps its sessions elsewhere, too", hazard: "Without persistence a restart takes everything", naive: "Redis alone", sound: "a store that reads through to SQLite" }).own("it stops and restarts the server").forced(),
    entry(Group::Restart, "restart-assumed-saving", restart::assumed_saving, Words { title: "\"Redis saves by itself\"", proves: "What was acknowledged is on disk when the server is killed", hazard: "With the classic save points nothing is saved within a minute of little traffic", naive: "save 900 1, 300 10, 60 10000", sound: "AOF with fsync always" }).own("it kills and restarts the server").forced(),
    entry(Group::Restart, "restart-rdb-to-aof", restart::rdb_to_aof, Words { title: "From snapshots to AOF", proves: "Turning the AOF on keeps every session", hazard: "appendonly yes by configuration and restart: Redis loads the empty AOF alone", naive: "edit redis.conf and restart", sound: "CONFIG SET, wait for the rewrite, CONFIG REWRITE" }).own("it kills and restarts the server").forced(),
    entry(Group::Restart, "restart-older-engine", restart::older_engine, Words { title: "To a newer engine and back", proves: "Sessions reach a newer engine, and come back to the older one", hazard: "The newer engine's files are carried back to the older one, which refuses them", naive: "dump.rdb carried back", sound: "the store's own commands, session by session" }).own("it takes two servers of our own"),
    entry(Group::Isolation, "isolation-two-suites", isolation::two_suites, Words { title: "Two suites at once", proves: "Two suites on one server see their own sessions only", hazard: "Both suites use one prefix, and the first cleans up while the second runs", naive: "one prefix for all", sound: "a random prefix for each" }).yours().forced(),
    entry(Group::Isolation, "isolation-database", isolation::random_database, Words { title: "A database by chance", proves: "17 suites at once have places of their own", hazard: "A suite takes database hash(uuid) % 16", naive: "16 databases", sound: "a random prefix" }),
    entry(Group::Isolation, "isolation-left-behind", isolation::left_behind, Words { title: "A suite that dies", proves: "Nothing is left of a suite that died before its cleaning", hazard: "Cleaning is the second half of a fixture that is never reached", naive: "cleaning at the end", sound: "a note before the first key, carried out by the next suite" }).forced(),
];
