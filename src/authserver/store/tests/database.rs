//! The databases.

use crate::store::Store;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

/// A database that a test has for itself; what it leaves is removed.
pub struct Database {
    /// As [`Store::open`] takes it.
    pub url: String,
    directory: Option<PathBuf>,
}

impl Database {
    /// SQLite, in a file of a directory of its own.
    pub fn sqlite() -> Self {
        let directory = std::env::temp_dir().join(unique());
        std::fs::create_dir(&directory).unwrap();
        Self {
            url: format!("sqlite://{}/store.db", directory.display()),
            directory: Some(directory),
        }
    }

    /// PostgreSQL: a database of the cluster that the tests of this program share.
    pub async fn postgresql() -> Self {
        static SHARED: OnceLock<Mutex<Cluster>> = OnceLock::new();
        let cluster = SHARED.get_or_init(|| Mutex::new(Cluster::start()));
        let url = |name: &str| cluster.lock().unwrap().url(name);
        let name = unique();
        let pool = {
            sqlx::any::install_default_drivers();
            sqlx::AnyPool::connect(&url("postgres")).await.unwrap()
        };
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE \"{name}\""));
        sqlx::raw_sql(create).execute(&pool).await.unwrap();
        pool.close().await;
        Self {
            url: url(&name),
            directory: None,
        }
    }

    /// Opens it: each time as another replica.
    pub async fn open(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// Where SQLite's file is.
    pub fn directory(&self) -> &Path {
        self.directory.as_deref().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

/// Runs a test on SQLite, and then on PostgreSQL.
pub async fn on_both(test: impl AsyncFn(&Database)) {
    println!("on SQLite");
    test(&Database::sqlite()).await;
    println!("on PostgreSQL");
    test(&Database::postgresql().await).await;
}

/// A PostgreSQL. A shell watches over it, which ends it, and removes what is left of it, when this
/// process is gone, however it goes.
pub struct Cluster {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    directory: String,
}

/// The shell's part, with the directory of the programs as $0.
const SCRIPT: &str = r#"
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$0/initdb" --pgdata "$directory/data" --auth=trust --username=postgres --no-sync >&2
start() {
    "$0/postgres" -D "$directory/data" -k "$directory" -c listen_addresses= -c fsync=off \
        -c max_connections=300 -c log_min_messages=fatal >&2 </dev/null &
    postgres=$!
    until "$0/pg_isready" -q -h "$directory"; do
        kill -0 $postgres
        sleep 0.1
    done
}
stop() { kill -QUIT $postgres && wait $postgres || true; }
start
echo "$directory"
while read -r order; do
    $order
    echo done
done
stop
"#;

impl Cluster {
    /// Makes one.
    pub fn start() -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql");
        let mut programs: Vec<PathBuf> = versions
            .expect("PostgreSQL is installed (tests/packages.sh test)")
            .map(|version| version.unwrap().path().join("bin"))
            .filter(|programs| programs.join("initdb").exists())
            .collect();
        programs.sort();
        let programs = programs.pop().expect("PostgreSQL's server is installed");
        // It does not run as root.
        let user: &[&str] = if nix::unistd::geteuid().is_root() {
            &["runuser", "-u", "postgres", "--"]
        } else {
            &["env"]
        };
        let mut shell = Command::new(user[0])
            .args(&user[1..])
            .args(["sh", "-euc", SCRIPT])
            .arg(programs)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(shell.stdout.take().unwrap());
        let mut directory = String::new();
        answers.read_line(&mut directory).unwrap();
        assert!(!directory.is_empty(), "PostgreSQL does not start");
        Self {
            orders: shell.stdin.take(),
            shell,
            answers,
            directory: directory.trim().to_owned(),
        }
    }

    /// Where a database of it is.
    pub fn url(&self, database: &str) -> String {
        let Self { directory, .. } = self;
        format!("postgres:///{database}?host={directory}&user=postgres")
    }

    /// `stop`, as by a crash, or `start`; it has when this returns.
    pub fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().unwrap();
        writeln!(orders, "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "done\n");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.orders.take();
        let _ = self.shell.wait();
    }
}

fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("pam-jwt-store-{}-{count}", std::process::id())
}
