//! The network between the load and the server, where the plan puts a fault there. Readback, INFO and everything
//! else go around it.

use std::net::ToSocketAddrs;

use super::drill::Drill;
use super::stop::{Step, Stop};
use crate::backend::Endpoint;
use crate::domain::event::DrillEvent;
use crate::network::proxy::{Options, Proxy};

/// The proxy, and the server that it stands before.
pub struct Wire {
    server: Endpoint,
    proxy: Proxy,
}

impl Drill {
    /// Where the load connects to: the server itself, or the proxy before it.
    pub(super) fn line_to(&mut self, server: &Endpoint) -> Step<Endpoint> {
        let Some(fault) = self.plan.network else {
            return Ok(server.clone());
        };
        let stands = self
            .wire
            .as_ref()
            .is_some_and(|wire| wire.server == *server);
        if !stands {
            let clock = self.attention.clock;
            let options = Options {
                faults: vec![fault],
                now: std::sync::Arc::new(move || clock.now()),
                // Millions of commands pass, and the journal has them.
                record: 0,
            };
            let failed = |error: std::io::Error| {
                Stop::failed(format!("cannot put a proxy before the server: {error}"))
            };
            let mut addresses = (server.host.as_str(), server.port)
                .to_socket_addrs()
                .map_err(failed)?;
            let upstream = addresses
                .next()
                .ok_or_else(|| Stop::failed(format!("the host {} has no address", server.host)))?;
            self.wire = Some(Wire {
                server: server.clone(),
                proxy: Proxy::with(upstream, options).map_err(failed)?,
            });
        }
        let wire = self.wire.as_ref().expect("made just now");
        wire.proxy.begin_stream();
        let address = wire.proxy.address();
        Ok(Endpoint {
            host: address.ip().to_string(),
            port: address.port(),
            ..server.clone()
        })
    }

    /// Tells what the network has done since it was asked last.
    pub(super) fn hear_network(&mut self) {
        let Some(wire) = &self.wire else {
            return;
        };
        for (_, happening) in wire.proxy.new_happenings() {
            self.attention
                .tell(DrillEvent::NetworkHappened { happening });
        }
    }
}
