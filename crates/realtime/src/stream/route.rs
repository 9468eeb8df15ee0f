//! The replication connection's way to PostgreSQL: over a socket, over TCP, or encrypted.
//!
//! Everything that an address can say (password, `sslmode`, certificates) is taken from the
//! options of the pools, so that the stream gets through wherever they do.

use anyhow::{Context as _, Result, bail};
use kernel::tasks::Tasks;
use percent_encoding::percent_decode_str;
use pgwire_replication::{Lsn, ReplicationClient, ReplicationConfig};
use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::tunnel::{Certificates, Tunnel, Verification};

/// How PostgreSQL is reached.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    config: ReplicationConfig,
    host: String,
    port: u16,
    encryption: Encryption,
    certificates: Certificates,
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    Never,
    /// Where the server offers it, without asking who it is.
    Offered,
    Required(Verification),
}

/// An open replication session, and the tunnel that it goes through: the one ends with the
/// other.
pub(crate) struct Session {
    pub(crate) client: ReplicationClient,
    _tunnel: Tunnel,
}

/// Values must come as this crate reads them, whatever the server's own settings are. A dead
/// reader must free its slot soon.
const SESSION: &str = "-c client_encoding=UTF8 -c timezone=UTC -c datestyle=ISO \
     -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=3 \
     -c wal_sender_timeout=10s";

impl Route {
    pub(crate) fn new(options: &PgConnectOptions, slot: &str, publication: &str) -> Result<Self> {
        // The options keep the password and the certificates to themselves, except in an address.
        let address = options.to_url_lossy();
        let password = percent_decode_str(address.password().unwrap_or_default())
            .decode_utf8()
            .context("the database's password is not UTF-8")?;
        let parameter = |name: &str| {
            let mut pairs = address.query_pairs();
            let (_, value) = pairs.find(|(key, _)| key == name)?;
            // So a path is written there; an address that is read has no such word.
            Some(value.strip_prefix("file: ").unwrap_or(&value).to_owned())
        };
        let (host, encryption) = match options.get_socket() {
            Some(path) => {
                let path = path.to_str().context("the socket's path is not UTF-8")?;
                (path.to_owned(), Encryption::Never)
            }
            None => (options.get_host().to_owned(), encryption(options)),
        };
        let user = options.get_username();
        let database = options.get_database().unwrap_or(user);
        let port = options.get_port();
        let config = ReplicationConfig::new(&*host, user, &*password, database, slot, publication)
            .with_port(port)
            .with_application_name("portico-live")
            .with_status_interval(std::time::Duration::from_secs(1))
            .with_wakeup_interval(std::time::Duration::from_secs(2))
            .with_options(SESSION);
        Ok(Self {
            config,
            host,
            port,
            encryption,
            certificates: Certificates {
                roots: parameter("sslrootcert"),
                chain: parameter("sslcert"),
                key: parameter("sslkey"),
            },
        })
    }

    pub(crate) fn slot(&self) -> &str {
        &self.config.slot
    }

    pub(crate) fn publication(&self) -> String {
        self.config.publication.to_string()
    }

    /// Connects. The session waits to be told to start.
    pub(crate) async fn open(&self, start: Lsn, acked: Lsn, tasks: &Tasks) -> Result<Session> {
        let mut config = self
            .config
            .clone()
            .with_start_lsn(start)
            .with_ack_lsn(acked);
        let verification = match self.encryption {
            Encryption::Never => None,
            Encryption::Offered => Some(Verification::None),
            Encryption::Required(verification) => Some(verification),
        };
        let (host, port) = (self.host.as_str(), self.port);
        let encrypted = match verification {
            Some(verification) => {
                Tunnel::encrypted(host, port, verification, &self.certificates, tasks)
                    .await
                    .with_context(|| format!("an encrypted connection to {host}:{port}"))?
            }
            None => None,
        };
        let tunnel = match encrypted {
            Some(tunnel) => tunnel,
            None if matches!(self.encryption, Encryption::Required(_)) => {
                bail!("the database at {host}:{port} does not offer TLS, and sslmode demands it");
            }
            None => Tunnel::plain(host, port, tasks)
                .await
                .with_context(|| format!("a connection to {host}:{port}"))?,
        };
        tunnel.entrance().clone_into(&mut config.host);
        let client = ReplicationClient::connect_gated(config).await?;
        Ok(Session {
            client,
            _tunnel: tunnel,
        })
    }
}

/// As the pools read `sslmode`: `allow` is `disable`, and `require` trusts whatever certificate
/// it is shown.
fn encryption(options: &PgConnectOptions) -> Encryption {
    match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Allow => Encryption::Never,
        PgSslMode::Prefer => Encryption::Offered,
        PgSslMode::Require => Encryption::Required(Verification::None),
        PgSslMode::VerifyCa => Encryption::Required(Verification::Chain),
        PgSslMode::VerifyFull => Encryption::Required(Verification::Name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_the_pools_read_it() {
        let address = "postgres://me:p%40ss%2Fw%C3%B6rd+1@db.example.org:6543/app?sslmode=verify-full&sslrootcert=/ca.pem";
        let options: PgConnectOptions = address.parse().unwrap();
        let route = Route::new(&options, "slot", "publication").unwrap();
        assert_eq!(route.config.password, "p@ss/wörd+1");
        assert_eq!((route.host.as_str(), route.port), ("db.example.org", 6543));
        assert_eq!(route.encryption, Encryption::Required(Verification::Name));
        assert_eq!(route.certificates.roots.as_deref(), Some("/ca.pem"));
    }

    #[test]
    fn a_socket_is_not_encrypted() {
        let options = PgConnectOptions::new_without_pgpass()
            .socket("/run/postgresql")
            .ssl_mode(PgSslMode::VerifyFull);
        let route = Route::new(&options, "slot", "publication").unwrap();
        assert_eq!(route.encryption, Encryption::Never);
        assert_eq!(route.config.host, "/run/postgresql");
    }
}
