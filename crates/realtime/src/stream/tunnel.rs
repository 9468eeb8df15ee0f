//! The connection to PostgreSQL, entered through a Unix socket.
//!
//! The replication client makes its connection itself, knows TLS only together with a second
//! cryptography provider, and is woken for every message. So the connection is made here, with the
//! provider, roots and rules of the pools, and read in larger pieces ([`Gathering`]); the client is
//! led through a socket in a folder that only this user can enter. The first to come, who must be
//! this very process, is let in, and the socket is removed at once.

use std::{fs, io, os::unix::fs::DirBuilderExt as _, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use kernel::tasks::Tasks;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio::{
    io::{
        AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional_with_sizes,
    },
    net::UnixListener,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::gathering::Gathering;

/// How much of a server's identity is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Nothing: encrypted, but to whoever answers.
    None,
    /// A certificate that a trusted authority signed, for whatever name.
    Chain,
    /// The same, for the name that was asked for.
    Name,
}

/// Certificates named in the address: paths, or PEM text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Certificates {
    /// Authorities trusted besides the public ones.
    pub(crate) roots: Option<String>,
    /// Our own certificate, where the server asks for one, and its key.
    pub(crate) chain: Option<String>,
    pub(crate) key: Option<String>,
}

/// An open tunnel. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Tunnel {
    folder: Folder,
    _relay: DropGuard,
}

/// A folder of our own for one socket, removed with what is in it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // Already gone, as a rule.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How long connecting and the handshake may take together.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that are passed on at once, to PostgreSQL and from it.
const ANSWERS: usize = 1024;
const CHANGES: usize = 64 * 1024;
/// `SSLRequest` (PostgreSQL documentation, "Message Formats"): its length and its code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

impl Tunnel {
    /// Connects and shakes hands; `None` where the server does not speak TLS.
    pub(crate) async fn encrypted(
        host: &str,
        port: u16,
        verification: Verification,
        certificates: &Certificates,
        tasks: &Tasks,
    ) -> Result<Option<Self>> {
        let connector = connector(verification, certificates)?;
        let name = ServerName::try_from(host.to_owned()).context("the host's name")?;
        let shaking = handshake(host, port, connector, name);
        match timeout(PATIENCE, shaking).await.context("no answer")?? {
            Some(remote) => Ok(Some(Self::to(remote, port, tasks)?)),
            None => Ok(None),
        }
    }

    /// Connects in the clear.
    pub(crate) async fn plain(host: &str, port: u16, tasks: &Tasks) -> Result<Self> {
        let connecting = Gathering::connect(host, port);
        let remote = timeout(PATIENCE, connecting).await.context("no answer")??;
        Self::to(remote, port, tasks)
    }

    fn to<R>(remote: R, port: u16, tasks: &Tasks) -> Result<Self>
    where
        R: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let folder =
            std::env::temp_dir().join(format!("portico-{}", uuid::Uuid::now_v7().simple()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let folder = Folder(folder);
        let listener = UnixListener::bind(folder.0.join(format!(".s.PGSQL.{port}")))?;
        let token = CancellationToken::new();
        let closed = token.clone();
        tasks.spawn("realtime.tunnel", async move {
            tokio::select! {
                () = closed.cancelled() => {}
                outcome = relay(&listener, remote) => if let Err(error) = outcome {
                    tracing::debug!(%error, "the tunnel to PostgreSQL ended");
                }
            }
        });
        Ok(Self {
            folder,
            _relay: token.drop_guard(),
        })
    }

    /// The folder in which the replication client finds its socket.
    pub(crate) fn entrance(&self) -> &str {
        // Made of the system's folder and letters; a folder that is no text is none we can use.
        self.folder.0.to_str().unwrap_or_default()
    }
}

async fn relay<R: AsyncRead + AsyncWrite + Unpin>(
    listener: &UnixListener,
    mut remote: R,
) -> io::Result<()> {
    let (mut local, _) = listener.accept().await?;
    let peer = local.peer_cred()?.pid();
    if peer != i32::try_from(std::process::id()).ok() {
        return Err(io::Error::other("somebody else came to the tunnel"));
    }
    copy_bidirectional_with_sizes(&mut local, &mut remote, ANSWERS, CHANGES).await?;
    Ok(())
}

async fn handshake(
    host: &str,
    port: u16,
    connector: TlsConnector,
    name: ServerName<'static>,
) -> Result<Option<TlsStream<Gathering>>> {
    let mut stream = Gathering::connect(host, port).await?;
    stream.write_all(&SSL_REQUEST).await?;
    match stream.read_u8().await? {
        b'S' => Ok(Some(connector.connect(name, stream).await?)),
        b'N' => Ok(None),
        other => bail!("not a PostgreSQL server: it answered {other}"),
    }
}

fn connector(verification: Verification, certificates: &Certificates) -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let public = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    let mut roots: RootCertStore = public.collect();
    if let Some(own) = &certificates.roots {
        for certificate in chain(own).context("sslrootcert")? {
            roots.add(certificate).context("sslrootcert")?;
        }
    }
    let builder = match verification {
        Verification::None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider))),
        Verification::Chain => {
            let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyName(chain.build()?)))
        }
        Verification::Name => builder.with_root_certificates(roots),
    };
    let config = match (&certificates.chain, &certificates.key) {
        (Some(own), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(&pem(key)?).context("sslkey")?;
            builder.with_client_auth_cert(chain(own).context("sslcert")?, key)?
        }
        (None, None) => builder.with_no_client_auth(),
        _ => bail!("sslcert and sslkey belong together"),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn chain(source: &str) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem(source)?)
        .collect::<Result<_, _>>()
        .context("no certificate")?;
    if certificates.is_empty() {
        bail!("there is no certificate in it");
    }
    Ok(certificates)
}

/// PEM text, or the file that holds it; read at each connection, so a renewed one is used.
fn pem(source: &str) -> Result<Vec<u8>> {
    if source.trim_start().starts_with("-----BEGIN") {
        return Ok(source.as_bytes().to_vec());
    }
    fs::read(source).with_context(|| format!("{source} cannot be read"))
}

/// `sslmode=require`: encrypted, whoever it is.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// `sslmode=verify-ca`: a trusted certificate, for whatever name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let checked = self
            .0
            .verify_server_cert(certificate, intermediates, name, ocsp, now);
        match checked {
            // Everything else was in order: the name is looked at last.
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
