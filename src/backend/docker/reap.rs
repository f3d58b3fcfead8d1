//! Removing what a dead owner has left: only what carries our labels, never by name or by age.

use std::collections::HashMap;

use bollard::query_parameters::{ListContainersOptionsBuilder, ListVolumesOptionsBuilder};

use super::engine::Engine;
use crate::backend::Result;

/// Whose it is; see [`super::owner`].
pub(super) const OWNER: &str = "crashdrill.owner";
/// Which run it belongs to.
pub(super) const SESSION: &str = "crashdrill.session";

pub(super) fn labels(owner: &str, run: &str) -> HashMap<String, String> {
    HashMap::from([
        (OWNER.to_owned(), owner.to_owned()),
        (SESSION.to_owned(), run.to_owned()),
    ])
}

impl Engine {
    /// Removes containers and volumes whose owner is dead by `owner_alive`. Returns their names.
    ///
    /// # Errors
    /// The engine does not answer, or refuses a removal; what can be removed is removed before that.
    pub fn reap(&self, owner_alive: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        self.reap_labelled(OWNER, |owner| !owner_alive(owner))
    }

    /// Removes containers and volumes of one run, whoever owns them. Returns their names.
    ///
    /// # Errors
    /// See [`Engine::reap`].
    pub fn reap_session(&self, run: &str) -> Result<Vec<String>> {
        self.reap_labelled(SESSION, |session| session == run)
    }

    fn reap_labelled(&self, label: &str, condemned: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let condemned = |labels: &HashMap<String, String>| {
            // Both labels, so that a stray one is not enough.
            labels.contains_key(OWNER)
                && labels.contains_key(SESSION)
                && labels.get(label).is_some_and(|value| condemned(value))
        };
        let mut removed = Vec::new();
        let mut failure = None;
        for name in self.our_containers(&condemned)? {
            match self.remove_container(&name) {
                Ok(()) => removed.push(name),
                Err(error) => failure = Some(self.explain("remove a left container", &error)),
            }
        }
        for name in self.our_volumes(&condemned)? {
            match self.remove_volume(&name) {
                Ok(()) => removed.push(name),
                Err(error) => failure = Some(self.explain("remove a left volume", &error)),
            }
        }
        failure.map_or(Ok(removed), Err)
    }

    fn our_containers(
        &self,
        condemned: &impl Fn(&HashMap<String, String>) -> bool,
    ) -> Result<Vec<String>> {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&ours())
            .build();
        let listed = self.run(
            "list left containers",
            self.docker.list_containers(Some(options)),
        )?;
        Ok(listed
            .into_iter()
            .filter(|container| container.labels.as_ref().is_some_and(condemned))
            .filter_map(|container| {
                let name = container.names.unwrap_or_default().into_iter().next();
                name.map(|name| name.trim_start_matches('/').to_owned())
                    .or(container.id)
            })
            .collect())
    }

    fn our_volumes(
        &self,
        condemned: &impl Fn(&HashMap<String, String>) -> bool,
    ) -> Result<Vec<String>> {
        let options = ListVolumesOptionsBuilder::default()
            .filters(&ours())
            .build();
        let listed = self.run("list left volumes", self.docker.list_volumes(Some(options)))?;
        Ok(listed
            .volumes
            .unwrap_or_default()
            .into_iter()
            .filter(|volume| condemned(&volume.labels))
            .map(|volume| volume.name)
            .collect())
    }
}

fn ours() -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![OWNER.to_owned()])])
}
