//! Meeting the server: whose keys it holds, who it is, and whether the preset is in force.

use std::time::Duration;

use super::drill::Drill;
use super::stop::{Step, Stop};
use crate::client::info::{self, Info};
use crate::client::{Connection, connect};
use crate::domain::event::{Fix, ServerInfo};
use crate::domain::plan::BackendChoice;

const INFO_PATIENCE: Duration = Duration::from_millis(500);

impl Drill {
    /// Somebody else's server may hold somebody else's keys: never write beside them unasked.
    pub(super) fn look_at_namespace(&mut self) -> Step {
        let BackendChoice::External(external) = &self.plan.backend else {
            return Ok(());
        };
        if external.allow_nonempty {
            return Ok(());
        }
        let connection = self.connection()?;
        let size = info::key_count(connection).map_err(|error| Stop::failed(error.to_string()))?;
        if size == 0 {
            return Ok(());
        }
        Err(Stop::Failed {
            error: format!(
                "the server at {} holds {size} keys. Crashdrill would write under the prefix {} and remove only that, but the kill concerns them all: agree with --allow-nonempty",
                self.backend.program(),
                self.keys.prefix
            ),
            fix: Some(Fix::AllowNonEmpty),
        })
    }

    /// Who answers, and what is in force there.
    pub(super) fn greet(&mut self) -> Step<ServerInfo> {
        let expected = self.plan.preset.expected_config();
        let names: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
        let external = self.backend.id() == "external";
        let failed = |error: &dyn std::fmt::Display| {
            Stop::failed(format!("the server does not describe itself: {error}"))
        };
        let connection = self.connection()?;
        let mut server = Info::fetch(connection)
            .map_err(|error| failed(&error))?
            .server();
        let config = info::config(connection, &names).map_err(|error| failed(&error))?;
        for (name, wanted) in &expected {
            let Some(value) = config.get(name) else {
                self.warn(&format!(
                    "this server does not know the directive {name}; the preset sets it to {wanted}"
                ))?;
                continue;
            };
            if value != wanted {
                let text = format!(
                    "{name} is \"{value}\" on the server and \"{wanted}\" in preset {}",
                    self.plan.preset.id
                );
                match (external, self.plan.gate) {
                    (true, Some(_)) => self.warn(&text)?,
                    (true, None) => {
                        return Err(Stop::failed(format!(
                            "{text}: choose the preset that fits the server, or judge by your own --max-lost or --max-window"
                        )));
                    }
                    (false, _) => {
                        return Err(Stop::failed(format!("the preset is not in force: {text}")));
                    }
                }
            }
            server.in_force.push((name.clone(), value.clone()));
        }
        let endpoint = self.endpoint.as_ref().expect("set before the greeting");
        server.address = format!("{}:{}", endpoint.host, endpoint.port);
        server.identity = self.backend.identity();
        server.program = self.backend.program();
        self.server = Some(server.clone());
        Ok(server)
    }

    /// Why a server that lives cannot be asked, and what to do about it.
    fn does_not_answer(&self) -> Stop {
        let held = self
            .disk
            .as_ref()
            .and_then(|disk| disk.disk.status().oldest_fsync_began);
        let cause = match held {
            Some(began) => format!(
                "an fsync has been in flight for {:.1} s on its faulty disk, and its main thread waits for it: let the fsync take less time, or begin later (--fsync-delay 3s@5s)",
                self.attention.clock.now().since(began).as_secs_f64()
            ),
            None => "it hangs, or this machine is too busy: look at the server's log in the run's folder".into(),
        };
        Stop::failed(format!(
            "the server does not answer within {} s: {cause}",
            INFO_PATIENCE.as_secs_f64()
        ))
    }

    pub(super) fn connection(&mut self) -> Step<&mut Connection> {
        let endpoint = self
            .endpoint
            .as_ref()
            .ok_or_else(|| Stop::failed("the server was never started"))?;
        if self.connection.is_none() {
            let open = connect::connect(endpoint, INFO_PATIENCE);
            match open {
                Ok(open) => self.connection = Some(open),
                Err(error) if error.is_timeout() => return Err(self.does_not_answer()),
                Err(error) => return Err(Stop::failed(format!("cannot connect: {error}"))),
            }
        }
        Ok(self.connection.as_mut().expect("made just now"))
    }
}
