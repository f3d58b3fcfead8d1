//! A port on 127.0.0.1 for a server of ours. Chosen once, kept over every restart, never one that the kernel hands out
//! or that another Crashdrill has claimed.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
#[cfg(target_os = "linux")]
use std::os::unix::net::{SocketAddr, UnixListener};
#[cfg(target_os = "linux")]
use std::sync::Arc;

/// Ports that the kernel gives to outgoing connections, even to our own client's when it knocks at the dead
/// server's port: then the restart fails with "address already in use". From 32768 on Linux, 49152 elsewhere.
const DEFAULT_EPHEMERAL: RangeInclusive<u16> = 32_768..=65_535;
/// Below are ports that people give to services by hand.
const FIRST: u16 = 20_000;
const LAST: u16 = 65_000;

/// A port, ours as long as this value lives, also while its server is down.
#[derive(Clone, Debug)]
pub(super) struct Port {
    number: u16,
    /// Two drills beside each other would else choose the same port while the server of one is dead.
    #[cfg(target_os = "linux")]
    _claim: Option<Arc<UnixListener>>,
}

impl Port {
    /// A port that is free now and stays free while the server is down, as well as can be.
    ///
    /// # Errors
    /// No port can be bound, or the system has no random numbers.
    pub fn claim() -> io::Result<Port> {
        let ephemeral = ephemeral();
        let ours: Vec<u16> = (FIRST..=LAST)
            .filter(|port| !ephemeral.contains(port))
            .collect();
        if !ours.is_empty() {
            for _ in 0..64 {
                let number = ours[noise()? as usize % ours.len()];
                if let Some(port) = Port::of(number) {
                    return Ok(port);
                }
            }
        }
        // A machine that hands out every port has no better one.
        let number = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        Ok(Port {
            number,
            #[cfg(target_os = "linux")]
            _claim: None,
        })
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    /// This port, if neither a server nor a claim of ours has it.
    fn of(number: u16) -> Option<Port> {
        #[cfg(target_os = "linux")]
        let claim = claim(number)?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Port {
            number,
            #[cfg(target_os = "linux")]
            _claim: Some(Arc::new(claim)),
        })
    }
}

/// A name that only one process can have, that lies on no disk, and that goes with its process (unix(7), abstract
/// sockets).
#[cfg(target_os = "linux")]
fn claim(port: u16) -> Option<UnixListener> {
    let name = SocketAddr::from_abstract_name(format!("crashdrill-port-{port}")).ok()?;
    UnixListener::bind_addr(&name).ok()
}

/// As the kernel is set up (`net.ipv4.ip_local_port_range`, ip(7)).
fn ephemeral() -> RangeInclusive<u16> {
    let told = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    parsed(&told).unwrap_or(DEFAULT_EPHEMERAL)
}

fn parsed(told: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = told.trim().split_once(char::is_whitespace)?;
    Some(first.parse().ok()?..=last.trim().parse().ok()?)
}

fn noise() -> io::Result<u32> {
    use io::Read as _;
    let mut bytes = [0; 4];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_bound_and_is_none_that_the_kernel_hands_out() {
        let ephemeral = ephemeral();
        for _ in 0..50 {
            let port = Port::claim().unwrap().number();
            assert!(!ephemeral.contains(&port), "{port} lies in {ephemeral:?}");
            assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_claimed_port_is_nobody_elses_while_its_server_is_down() {
        let port = Port::claim().unwrap();
        let copy = port.clone();
        drop(port);
        assert!(Port::of(copy.number()).is_none());
        let number = copy.number();
        drop(copy);
        assert!(Port::of(number).is_some());
    }

    #[test]
    fn the_kernels_range_is_read_as_it_is_written() {
        assert_eq!(parsed("32768\t60999\n"), Some(32_768..=60_999));
        assert_eq!(parsed(""), None);
    }
}
