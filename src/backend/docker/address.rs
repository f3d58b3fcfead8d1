//! Where clients find the server: chosen once, kept over every restart.

use std::fs::File;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};

use crate::backend::Endpoint;

#[derive(Clone, Debug)]
pub(super) struct Address {
    /// On 127.0.0.1.
    pub port: u16,
    pub password: String,
    /// Part of all names, so that two drills of one run's name do not meet.
    pub tag: String,
    /// The server was started there once: from then on clients and evidence name it.
    pub known: bool,
}

impl Address {
    pub fn choose() -> io::Result<Address> {
        Ok(Address {
            port: free_port()?,
            password: hex(16)?,
            tag: hex(3)?,
            known: false,
        })
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: None,
            password: Some(self.password.clone()),
            database: 0,
        }
    }
}

/// `2 * bytes` hexadecimal digits from the operating system's random source.
fn hex(bytes: usize) -> io::Result<String> {
    let mut noise = vec![0; bytes];
    File::open("/dev/urandom")?.read_exact(&mut noise)?;
    Ok(noise.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A free port on 127.0.0.1 that stays free while the server is down, as well as can be.
///
/// Not one that the kernel hands out: those (from 32768 on Linux, 49152 elsewhere) are given to outgoing
/// connections too, even to our own client's when it knocks at the dead server's port, and then the restart
/// fails with "address already in use".
fn free_port() -> io::Result<u16> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    for _ in 0..64 {
        let noise = u16::from_str_radix(&hex(2)?, 16).unwrap_or_default();
        let port = FIRST + noise % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_as_long_as_asked_and_new_each_time() {
        let one = hex(16).unwrap();
        assert_eq!(one.len(), 32);
        assert_ne!(one, hex(16).unwrap());
    }

    #[test]
    fn a_free_port_can_be_bound_and_is_not_an_ephemeral_one() {
        let port = free_port().unwrap();
        assert!(port < 32_768, "{port}");
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }
}
