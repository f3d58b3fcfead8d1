//! Where clients find the server: chosen once, kept over every restart.

use std::fs::File;
use std::io::{self, Read};

use crate::backend::port::Port;
use crate::backend::{Endpoint, Wire};

#[derive(Clone, Debug)]
pub(super) struct Address {
    /// On 127.0.0.1.
    pub port: Port,
    pub password: String,
    /// Part of all names, so that two drills of one run's name do not meet.
    pub tag: String,
    /// The server was started there once: from then on clients and evidence name it.
    pub known: bool,
}

impl Address {
    pub fn choose() -> io::Result<Address> {
        Ok(Address {
            port: Port::claim()?,
            password: hex(16)?,
            tag: hex(3)?,
            known: false,
        })
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: "127.0.0.1".to_owned(),
            port: self.port.number(),
            user: None,
            password: Some(self.password.clone()),
            database: 0,
            wire: Wire::Tcp,
        }
    }
}

/// `2 * bytes` hexadecimal digits from the operating system's random source.
fn hex(bytes: usize) -> io::Result<String> {
    let mut noise = vec![0; bytes];
    File::open("/dev/urandom")?.read_exact(&mut noise)?;
    Ok(noise.iter().map(|byte| format!("{byte:02x}")).collect())
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
}
