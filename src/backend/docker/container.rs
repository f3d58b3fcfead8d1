//! One container: what it is made of and the orders it takes.
//!
//! Knows nothing of a drill's course; which container there is and how it ended is [`super::DockerBackend`]'s.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, ContainerState, HostConfig, HostConfigLogConfig, Mount, MountType,
    PortBinding, RestartPolicy, RestartPolicyNameEnum, VolumeCreateRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions, StartContainerOptions,
    UploadToContainerOptionsBuilder,
};

use super::archive::{GID, STORE, UID, VOLUME};
use super::engine::Engine;
use super::errors;

type Answer<T> = Result<T, Error>;

const PORT: &str = "6379/tcp";

/// Redis runs four threads and forks one child; 256 leaves room for the io-threads of any preset.
const PIDS: i64 = 256;

/// What a container is made from.
pub(super) struct Recipe<'a> {
    pub name: &'a str,
    pub volume: &'a str,
    /// A folder of the host in the place of the volume's store.
    pub data: Option<&'a Path>,
    pub image: &'a str,
    pub command: Vec<String>,
    /// On 127.0.0.1. Chosen by us: one that Docker chooses changes at every start.
    pub port: u16,
    pub memory_bytes: u64,
    pub labels: &'a HashMap<String, String>,
}

impl Recipe<'_> {
    fn body(&self) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(self.image.to_owned()),
            // Numbers, so that the official entrypoint neither changes owners nor user: as root it fails
            // without capabilities (exit 127, "setresuid failed").
            user: Some(format!("{UID}:{GID}")),
            cmd: Some(self.command.clone()),
            exposed_ports: Some(vec![PORT.to_owned()]),
            labels: Some(self.labels.clone()),
            host_config: Some(self.host_config()),
            ..ContainerCreateBody::default()
        }
    }

    fn mounts(&self) -> Vec<Mount> {
        let mut mounts = vec![Mount {
            target: Some(VOLUME.to_owned()),
            source: Some(self.volume.to_owned()),
            typ: Some(MountType::VOLUME),
            ..Mount::default()
        }];
        mounts.extend(self.data.map(|data| Mount {
            target: Some(STORE.to_owned()),
            source: Some(data.display().to_string()),
            typ: Some(MountType::BIND),
            ..Mount::default()
        }));
        mounts
    }

    fn host_config(&self) -> HostConfig {
        let memory = i64::try_from(self.memory_bytes).unwrap_or(i64::MAX);
        HostConfig {
            // A named volume always: an anonymous one carries no label and would be left behind.
            mounts: Some(self.mounts()),
            port_bindings: Some(HashMap::from([(
                PORT.to_owned(),
                Some(vec![PortBinding {
                    host_ip: Some("127.0.0.1".to_owned()),
                    host_port: Some(self.port.to_string()),
                }]),
            )])),
            memory: Some(memory),
            memory_swap: Some(memory),
            pids_limit: Some(PIDS),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(true),
            tmpfs: Some(HashMap::from([("/tmp".to_owned(), "size=16m".to_owned())])),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(HashMap::from([("max-size".to_owned(), "8m".to_owned())])),
            }),
            // A killed container must be there to be started again, and by nobody but us.
            auto_remove: Some(false),
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::NO),
                maximum_retry_count: None,
            }),
            ..HostConfig::default()
        }
    }
}

/// What an inspection tells of a container's state.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Paused counts as running.
    pub running: bool,
    pub paused: bool,
    pub exit_code: i64,
    pub oom_killed: bool,
    /// RFC 3339.
    pub started_at: String,
    pub finished_at: String,
}

impl From<ContainerState> for Seen {
    fn from(state: ContainerState) -> Self {
        let paused = state.paused.unwrap_or_default();
        Seen {
            // Podman says of a paused container that it is not running.
            running: state.running.unwrap_or_default() || paused,
            paused,
            exit_code: state.exit_code.unwrap_or_default(),
            oom_killed: state.oom_killed.unwrap_or_default(),
            started_at: state.started_at.unwrap_or_default(),
            finished_at: state.finished_at.unwrap_or_default(),
        }
    }
}

impl Engine {
    pub(super) async fn make_volume(
        &self,
        name: &str,
        labels: &HashMap<String, String>,
    ) -> Answer<()> {
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.clone()),
            ..VolumeCreateRequest::default()
        };
        self.docker.create_volume(request).await.map(|_| ())
    }

    /// Makes the container, without starting it. Returns its id.
    pub(super) async fn make_container(&self, recipe: &Recipe<'_>) -> Answer<String> {
        let options = CreateContainerOptionsBuilder::default()
            .name(recipe.name)
            .build();
        let made = self
            .docker
            .create_container(Some(options), recipe.body())
            .await?;
        Ok(made.id)
    }

    /// Unpacks an archive into the volume: the root file system is read-only (500 "container rootfs is marked
    /// read-only"), and a mounted file would not reach an engine in a virtual machine.
    pub(super) async fn upload(&self, container: &str, archive: Vec<u8>) -> Answer<()> {
        let options = UploadToContainerOptionsBuilder::default()
            .path(VOLUME)
            .build();
        self.docker
            .upload_to_container(container, Some(options), bollard::body_full(archive.into()))
            .await
    }

    pub(super) async fn start_container(&self, container: &str) -> Answer<()> {
        self.docker
            .start_container(container, None::<StartContainerOptions>)
            .await
    }

    /// True if the container was running.
    pub(super) fn signal(&self, container: &str, signal: &str) -> Answer<bool> {
        let options = KillContainerOptionsBuilder::default()
            .signal(signal)
            .build();
        match self.ask(self.docker.kill_container(container, Some(options))) {
            Ok(()) => Ok(true),
            Err(error) if errors::is_not_running(&error) || errors::is_missing(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The state, or `None` if somebody has removed the container.
    pub(super) fn see(&self, container: &str) -> Answer<Option<Seen>> {
        let inspect = self
            .docker
            .inspect_container(container, None::<InspectContainerOptions>);
        match self.ask(inspect) {
            Ok(inspect) => Ok(Some(inspect.state.unwrap_or_default().into())),
            Err(error) if errors::is_missing(&error) => Ok(None),
            // Podman's word between the end of the process and the record of its exit code: look again.
            Err(Error::JsonDataError { message, .. }) if message.contains("`stopped`") => {
                Ok(Some(Seen {
                    running: true,
                    ..Seen::default()
                }))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes the container by force, with volumes that have no name. Nothing to remove is fine.
    pub(super) fn remove_container(&self, container: &str) -> Answer<()> {
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        match self.ask(self.docker.remove_container(container, Some(options))) {
            Err(error) if errors::is_missing(&error) || errors::is_being_removed(&error) => Ok(()),
            answer => answer,
        }
    }

    /// Removes the volume. Nothing to remove is fine.
    pub(super) fn remove_volume(&self, volume: &str) -> Answer<()> {
        // A removed container lets go of its volume a moment later where another process removes it.
        const TRIES: u32 = 20;
        for _ in 1..TRIES {
            match self.try_remove_volume(volume) {
                Err(error) if errors::is_volume_in_use(&error) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                answer => return answer,
            }
        }
        self.try_remove_volume(volume)
    }

    fn try_remove_volume(&self, volume: &str) -> Answer<()> {
        match self.ask(
            self.docker
                .remove_volume(volume, None::<RemoveVolumeOptions>),
        ) {
            Err(error) if errors::is_missing(&error) => Ok(()),
            answer => answer,
        }
    }
}
