//! Counting the marker bytes that stand once in each op of an AOF.

/// How often the marker stands in `data`, at any place.
pub fn count(data: &[u8], marker: &[u8]) -> u64 {
    let Some((first, rest)) = marker.split_first() else {
        return 0;
    };
    let mut found = 0;
    let mut left = data;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = &left[at + 1..];
        found += u64::from(left.starts_with(rest));
    }
    found
}

/// Whether ops are appended to a file of this name as they come. A rewrite's temporary file holds older ops in
/// another form (`rewriteAppendOnlyFileBackground()`: `temp-rewriteaof-bg-<pid>.aof`), and ends as the base.
pub fn is_log_of_ops(name: &str) -> bool {
    name.ends_with(".aof") && !name.starts_with("temp-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_counts() {
        assert_eq!(count(b"RPUSH\r\nxRPUSHRPUSH\r\n", b"RPUSH\r\n"), 2);
        assert_eq!(count(b"aaaa", b"aa"), 3);
        assert_eq!(count(b"RPUSH", b"RPUSH\r\n"), 0);
        assert_eq!(count(b"anything", b""), 0);
    }

    #[test]
    fn a_rewrite_writes_no_new_ops() {
        assert!(is_log_of_ops("appendonly.aof.1.incr.aof"));
        assert!(is_log_of_ops("appendonly.aof"));
        assert!(!is_log_of_ops("temp-rewriteaof-bg-17.aof"));
        assert!(!is_log_of_ops("appendonly.aof.manifest"));
        assert!(!is_log_of_ops("dump.rdb"));
    }
}
