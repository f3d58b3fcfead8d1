//! What containers and volumes are called.

/// Names on the engine. They start with the program's name, for people who look at `docker ps`.
pub(super) struct Names {
    base: String,
}

impl Names {
    pub fn new(run: &str, tag: &str) -> Self {
        let run: String = run
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(80)
            .collect();
        Names {
            base: format!("crashdrill-{run}-{tag}"),
        }
    }

    pub fn container(&self, number: u32) -> String {
        format!("{}-{number}", self.base)
    }

    pub fn volume(&self, number: u32) -> String {
        format!("{}-data-{number}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_name_becomes_one_that_the_engine_takes() {
        let names = Names::new("20261120 rdb/5s:é", "ab12");
        assert_eq!(names.container(1), "crashdrill-20261120-rdb-5s---ab12-1");
        assert_eq!(names.volume(2), "crashdrill-20261120-rdb-5s---ab12-data-2");
    }
}
