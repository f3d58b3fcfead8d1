//! What a server is made of, in this order: an engine, an image, an address, a volume, a container.
//!
//! Everything is noted in [`DockerBackend`] before it is made, so that closing finds it whatever happens.

use super::address::Address;
use super::container::Recipe;
use super::engine::Engine;
use super::logs::LogCursor;
use super::names::Names;
use super::{Container, DockerBackend, archive, image, reap};
use crate::backend::{BackendError, Result, Watch};

impl DockerBackend {
    pub(super) fn connect(&mut self, watch: &dyn Watch) -> Result<()> {
        if self.engine.is_none() {
            watch.doing("Connecting to Docker", None);
            self.engine = Some(match &self.host {
                Some(host) => Engine::connect_to(host)?,
                None => Engine::connect()?,
            });
        }
        Ok(())
    }

    /// The command that the image wants, pulled first if it is not there.
    fn command(&self, watch: &dyn Watch) -> Result<Vec<String>> {
        let engine = self.engine()?;
        let config = match engine.image_config(&self.image)? {
            Some(config) => config,
            None => {
                engine.pull(&self.image, watch)?;
                engine.image_config(&self.image)?.unwrap_or_default()
            }
        };
        Ok(image::command(&self.image, &config, archive::CONFIG_FILE))
    }

    pub(super) fn address(&mut self) -> Result<Address> {
        if let Some(address) = &self.address {
            return Ok(address.clone());
        }
        let address = Address::choose().map_err(|error| {
            BackendError::new("Cannot choose a port and a password: this machine's random source or network fails; see the details")
                .details(error.to_string())
        })?;
        self.address = Some(address.clone());
        Ok(address)
    }

    /// Makes the volume and the container, as far as they are missing.
    pub(super) fn make(&mut self, watch: &dyn Watch) -> Result<()> {
        if self
            .container
            .as_ref()
            .is_some_and(|container| !container.gone)
        {
            return Ok(());
        }
        let command = self.command(watch)?;
        let address = self.address()?;
        let labels = reap::labels(&self.owner, &self.spec.run);
        let names = Names::new(&self.spec.run, &address.tag);

        self.made += 1;
        // Both are noted before they are made: whatever happens, close() removes them.
        let fresh_volume = self.volume.is_none();
        let volume = self
            .volume
            .get_or_insert_with(|| names.volume(self.made))
            .clone();
        let container = Container {
            name: names.container(self.made),
            id: String::new(),
            log: LogCursor::default(),
            gone: false,
        };
        let name = self.container.insert(container).name.clone();
        watch.doing(&format!("Creating a container of {}", self.image), None);
        let made = self.make_container(
            watch,
            &Recipe {
                name: &name,
                volume: &volume,
                data: self.spec.data.as_deref(),
                image: &self.image,
                command,
                port: address.port.number(),
                memory_bytes: self.memory_bytes,
                labels: &labels,
            },
            &address,
        );
        match made {
            Ok(id) => {
                if let Some(container) = &mut self.container {
                    container.id = id;
                }
                Ok(())
            }
            Err(error) => {
                // Half a container must not be taken for a whole one at the next start.
                self.discard(fresh_volume);
                Err(error)
            }
        }
    }

    fn make_container(
        &self,
        watch: &dyn Watch,
        recipe: &Recipe<'_>,
        address: &Address,
    ) -> Result<String> {
        let engine = self.engine()?;
        // Does nothing if it exists. A volume that the engine makes by itself for a container has no labels.
        let operation = "create the volume";
        engine
            .run_watched(
                operation,
                watch,
                engine.make_volume(recipe.volume, recipe.labels),
            )?
            .map_err(|error| engine.explain(operation, &error))?;
        let operation = "create the container";
        let id = engine
            .run_watched(operation, watch, engine.make_container(recipe))?
            .map_err(|error| engine.explain(operation, &error))?;
        // Written on a kept volume too, in case somebody changed it; the store keeps its content (tested).
        let config = self.packed_config(address)?;
        let operation = "write the configuration into the container";
        engine
            .run_watched(operation, watch, engine.upload(recipe.name, config))?
            .map_err(|error| engine.explain(operation, &error))?;
        Ok(id)
    }

    pub(super) fn packed_config(&self, address: &Address) -> Result<Vec<u8>> {
        archive::config_archive(&self.config(address)).map_err(|error| {
            BackendError::new(
                "Cannot pack the configuration for the container: no memory; end other programs and try again",
            )
            .details(error.to_string())
        })
    }

    /// The preset's directives, then ours: Redis takes the last of each.
    fn config(&self, address: &Address) -> String {
        format!(
            "{}\n\
             # Inside the container; only 127.0.0.1 of the host leads here.\n\
             bind 0.0.0.0\n\
             protected-mode no\n\
             port 6379\n\
             requirepass {}\n\
             dir {}\n\
             logfile \"\"\n\
             daemonize no\n\
             {}\n",
            self.spec.config,
            address.password,
            archive::STORE,
            self.more_config,
        )
    }

    /// Removes the container, and the volume if asked, whatever the engine says.
    pub(super) fn discard(&mut self, volume: bool) {
        let Some(engine) = &self.engine else { return };
        if let Some(container) = self.container.take() {
            // Failing here leaves a labelled container, which the next start's sweep removes.
            let _left = engine.remove_container(&container.name);
        }
        if volume && let Some(volume) = self.volume.take() {
            let _left = engine.remove_volume(&volume);
        }
    }
}
