//! Why somebody's store cannot be looked into: the sentences, each with what to do. Which one it is, the reader decides.

/// Why a store cannot be looked into, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("connecting to {host} failed: {cause}. Check host and port, and that the server runs")]
    NotReached { host: String, cause: String },
    #[error(
        "connecting to the socket {path} failed: {cause}. Check the path, and that the server runs"
    )]
    NoSocket { path: String, cause: String },
    #[error(
        "{host} has no database {database}: by default they are 0 to 15, and a cluster has only 0"
    )]
    NoDatabase { host: String, database: i64 },
    #[error("{host} has as many clients as it takes: look again later, or raise maxclients")]
    Full { host: String },
    #[error("{host} did not answer within {secs} s: it is busy, behind a firewall, or no Redis")]
    Silent { host: String, secs: u64 },
    #[error("{host} does not let us in: {cause}. Check user and password")]
    NotLetIn { host: String, cause: String },
    #[error("{host} does not speak TLS: write redis:// instead of rediss://")]
    NoTls { host: String },
    #[error(
        "{host} closed the connection without an answer. If it speaks TLS, write rediss:// instead of redis://; else it may have as many clients as it takes (maxclients)"
    )]
    ClosedAtOnce { host: String },
    #[error(
        "the certificate of {host} is not trusted: {cause}. Name the authority that signed it with --ca FILE, and the host as the certificate names it"
    )]
    NotTrusted { host: String, cause: String },
    #[error(
        "{host} wants a certificate from its clients, which this program does not have: set tls-auth-clients to optional, or look through a tunnel"
    )]
    WantsCertificate { host: String },
    #[error("{host} is not a Redis: it answered {answer}")]
    NotRedis { host: String, answer: String },
    #[error("{host} is loading its data set: look again when it is done")]
    Loading { host: String },
    #[error("reading the certificate authority failed: {cause}: {path}")]
    Authority { cause: String, path: String },
    #[error("{host} went away: {cause}")]
    Gone { host: String, cause: String },
    #[error("{command} is needed and not permitted: {cause}")]
    NotPermitted { command: String, cause: String },
    #[error("stopped")]
    Stopped,
    #[error("{host} answered {command} with {cause}")]
    Strange {
        host: String,
        command: String,
        cause: String,
    },
}
