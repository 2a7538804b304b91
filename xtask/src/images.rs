//! The images of the servers that tests start: official ones, else built here from the packages of Debian and Python.

use crate::amazon;
use crate::docker::Docker;
use crate::process::{command, run};

const BUILD_SCRIPT: &str = "deploy/test-images/build.sh";

/// A server that tests need.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    /// Names the image to start; given by a developer, or found here and given to the tests.
    pub(crate) image_variable: &'static str,
    /// Names a server that already runs, which the tests then use instead.
    pub(crate) url_variable: &'static str,
    official: &'static str,
    /// What the build script makes.
    built: &'static str,
}

pub(crate) const SERVERS: [Server; 4] = [
    Server {
        name: "MySQL",
        image_variable: "TEST_MYSQL_IMAGE",
        url_variable: "TEST_DATABASE_URL",
        official: "mysql:9",
        built: "majestic-test/mysql:9",
    },
    Server {
        name: "MariaDB",
        image_variable: "TEST_MARIADB_IMAGE",
        url_variable: "TEST_MARIADB_URL",
        official: "mariadb:11",
        built: "majestic-test/mariadb:11",
    },
    Server {
        name: "Redis",
        image_variable: "TEST_REDIS_IMAGE",
        url_variable: "TEST_REDIS_URL",
        official: "redis:8",
        built: "majestic-test/redis:8",
    },
    Server {
        name: "Amazon",
        image_variable: amazon::IMAGE,
        url_variable: amazon::ENDPOINT,
        official: "motoserver/moto:5.2.5",
        built: "majestic-test/moto:5",
    },
];

impl Server {
    /// Whether the tests were told of one that runs already.
    pub(crate) fn runs_already(&self) -> bool {
        std::env::var(self.url_variable).is_ok_and(|url| !url.is_empty())
    }

    /// An image that Docker has. One that is there already wins over one that must be fetched,
    /// so that only the first run of a machine depends on a network.
    pub(crate) fn image(&self, docker: &Docker) -> Result<String, String> {
        if let Ok(wanted) = std::env::var(self.image_variable)
            && !wanted.is_empty()
        {
            let there = docker.has(&wanted) || docker.pull(&wanted);
            let missing = || format!("there is no image {wanted}, which {} names", self.image_variable);
            return there.then_some(wanted.clone()).ok_or_else(missing);
        }
        if let Some(there) = [self.official, self.built].into_iter().find(|it| docker.has(it)) {
            return Ok(there.into());
        }
        if docker.pull(self.official) {
            return Ok(self.official.into());
        }
        println!("{} cannot be pulled: building {}", self.official, self.built);
        run(command(BUILD_SCRIPT, &[]))?;
        Ok(self.built.into())
    }
}

/// `cargo xtask images`
pub(crate) fn show() -> Result<(), String> {
    let docker = Docker::find()?;
    for server in &SERVERS {
        println!("{}={}", server.image_variable, server.image(&docker)?);
    }
    Ok(())
}
