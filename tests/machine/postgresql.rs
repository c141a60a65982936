//! PostgreSQL in a machine, run as its own account, for servers that store there.

use std::path::PathBuf;

use crate::{Command, Machine};

const DATA: &str = "/var/lib/postgresql/throwaway";

/// Where its Unix socket is.
const SOCKET: &str = "/tmp";

/// The database of [`Postgresql::url`], and the role that it belongs to.
const DATABASE: &str = "authserver";

/// A PostgreSQL at work in a machine. Whoever is in the machine may be whom they like to it;
/// what it acknowledges is on the disk, as by its own defaults.
pub struct Postgresql<'m> {
    machine: &'m Machine,
    data: String,
}

impl<'m> Postgresql<'m> {
    /// Makes a cluster with an empty database, and starts it.
    pub fn start(machine: &'m Machine) -> Self {
        Self::start_in(machine, DATA)
    }

    /// The same, with its files in this directory, which is made.
    pub fn start_in(machine: &'m Machine, data: &str) -> Self {
        machine
            .run(["install", "-d", "-o", "postgres", "-m", "700", data])
            .expect_success();
        machine
            .postgresql_program("initdb")
            .args(["--pgdata", data, "--auth=trust", "--no-sync"])
            .run()
            .expect_success();
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{SOCKET}'\nmax_connections = 200\n"
        );
        machine.append(&format!("{data}/postgresql.conf"), settings);
        let postgresql = Self {
            machine,
            data: data.to_owned(),
        };
        postgresql.again();
        let make = format!("create role {DATABASE} login");
        postgresql.sql("postgres", &make);
        let make = format!("create database {DATABASE} owner {DATABASE}");
        postgresql.sql("postgres", &make);
        postgresql
    }

    /// Where a program of the machine finds the database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres:///{DATABASE}?host={SOCKET}&user={DATABASE}")
    }

    /// Stops it at once, as a crash would: what was not acknowledged may be lost.
    pub fn stop(&self) {
        self.control(&["--mode=immediate", "stop"]);
    }

    /// Starts it after [`Postgresql::stop`].
    pub fn again(&self) {
        let log = format!("--log={}/log", self.data);
        self.control(&[&log, "start"]);
    }

    /// What a query of the database's answers, a line for each row.
    #[must_use]
    pub fn query(&self, statement: &str) -> String {
        self.sql(DATABASE, statement)
    }

    fn sql(&self, database: &str, statement: &str) -> String {
        let psql = ["psql", "--no-psqlrc", "-At", "-h", SOCKET, "-d", database];
        let psql = self.machine.command(psql).args(["-c", statement]);
        psql.user("postgres").run().expect_success().stdout
    }

    fn control(&self, arguments: &[&str]) {
        self.machine
            .postgresql_program("pg_ctl")
            .args(["--pgdata", &self.data, "--wait"])
            .args(arguments)
            .run()
            .expect_success();
    }
}

impl Machine {
    /// One of PostgreSQL's programs, as its own account runs it. Debian has them outside PATH.
    pub fn postgresql_program(&self, name: &str) -> Command<'_> {
        let debian = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten();
        let mut found: Vec<PathBuf> = debian
            .map(|version| {
                let version = version.expect("/usr/lib/postgresql");
                version.path().join("bin").join(name)
            })
            .filter(|program| program.exists())
            .collect();
        found.sort();
        self.command([found.pop().unwrap_or_else(|| name.into())])
            .user("postgres")
    }
}
