//! TLS handshakes of the Prometheus source with a loopback server: whom it trusts, and how it proves itself.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use davy_judge::arm::{Arm, PerArm};
use davy_sources::error::{SourceError, SourceErrorKind};
use davy_sources::prometheus::{Prometheus, PrometheusConfig};
use davy_sources::samples::{FetchPlan, MatchOp, Matcher, Part, Samples, Selector, Series, Span, StreamData, StreamSpec};
use davy_sources::source::Source;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const SPAN: Span = Span { start_ms: 1_700_000_000_000, end_ms: 1_700_000_060_000 };
const ANSWER: &str = concat!(
    r#"{"status":"success","data":{"resultType":"matrix","result":["#,
    r#"{"metric":{"version":"v1"},"values":[[1700000015,"1"],[1700000030,"4"]]},"#,
    r#"{"metric":{"version":"v2"},"values":[[1700000015.5,"2"]]}]}}"#
);

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate with its key, signed by an authority.
struct Identity {
    chain: CertificateDer<'static>,
    chain_pem: String,
    key: KeyPair,
}

impl Identity {
    fn new(authority: &Authority, name: &str, usage: ExtendedKeyUsagePurpose, edit: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        edit(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        Identity { chain: certificate.der().clone(), chain_pem: certificate.pem(), key }
    }

    fn of_server(authority: &Authority) -> Identity {
        Self::new(authority, "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth, |_| {})
    }

    fn of_client(authority: &Authority) -> Identity {
        Self::new(authority, "davy.example", ExtendedKeyUsagePurpose::ClientAuth, |_| {})
    }

    /// PEM files: certificate and key.
    fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        (write(folder, &format!("{name}.pem"), &self.chain_pem), write(folder, &format!("{name}.key"), &self.key.serialize_pem()))
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// A server that ends with its runtime; counts the requests that came through the handshake.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// Speaks TLS as `identity`; asks for certificates of the authority, where there is one.
    async fn start(identity: &Identity, clients_of: Option<&Authority>, version: &'static rustls::SupportedProtocolVersion) -> Server {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(&[version]).unwrap();
        let builder = match clients_of {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
        let config = builder.with_single_cert(vec![identity.chain.clone()], key).unwrap();
        Self::listen(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    /// Without an acceptor nobody speaks TLS there.
    async fn listen(acceptor: Option<TlsAcceptor>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = server.asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, asked) = (acceptor.clone(), asked.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => refuse(stream).await,
                        Some(acceptor) => match acceptor.accept(stream).into_fallible().await {
                            Ok(stream) => answer(stream, &asked).await,
                            // What the client has already sent is read, else the reset overtakes the alert.
                            Err((_, mut stream)) => {
                                let _ = stream.shutdown().await;
                                let _ = tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut Vec::new())).await;
                            }
                        },
                    }
                });
            }
        });
        server
    }

    fn config(&self, ca_file: Option<PathBuf>, client_cert: Option<(PathBuf, PathBuf)>) -> PrometheusConfig {
        PrometheusConfig {
            ca_file,
            client_cert,
            query_timeout: Duration::from_secs(2),
            ..PrometheusConfig::new(format!("https://{}", self.address))
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// What a server without TLS does with the first bytes of a handshake.
async fn refuse(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let _ = stream.read(&mut [0; 4096]).await;
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await;
}

/// Answers one request, whatever it asks, and closes.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, asked: &AtomicUsize) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(length) => request.extend_from_slice(&piece[..length]),
        }
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", ANSWER.len());
    let _ = stream.write_all(format!("{head}{ANSWER}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn fetch(config: PrometheusConfig) -> Result<StreamData, SourceError> {
    let version = |value: &str| vec![Matcher { label: "version".to_owned(), op: MatchOp::Equal, value: value.to_owned() }];
    let plan = FetchPlan {
        streams: vec![StreamSpec::Counter(Selector { name: "http_requests_total".to_owned(), matchers: Vec::new() })],
        signals: Vec::new(),
        slices: Vec::new(),
        arms: PerArm { baseline: version("v1"), canary: version("v2") },
        history_from: None,
        instance: None,
        step_ms: 15_000,
        max_history_samples: 1000,
    };
    Prometheus::new(config)?.fetch(&plan, Part::Run, SPAN).await.remove(0)
}

fn series(arm: Arm, version: &str, points: &[(i64, f64)]) -> Series {
    let labels = BTreeMap::from([("version".to_owned(), version.to_owned())]);
    Series { arm, labels, samples: Samples::Counter(points.to_vec()) }
}

/// What the answer holds.
fn assert_answered(answered: Result<StreamData, SourceError>) {
    let baseline = series(Arm::Baseline, "v1", &[(1_700_000_015_000, 1.0), (1_700_000_030_000, 4.0)]);
    assert_eq!(answered.unwrap().series, [baseline, series(Arm::Canary, "v2", &[(1_700_000_015_500, 2.0)])]);
}

/// A handshake that failed, which says why in these words, where, and what to check.
fn assert_tls(refused: Result<StreamData, SourceError>, server: &Server, why: &str, check: &str) {
    let error = refused.unwrap_err();
    assert!(matches!(&error.kind, SourceErrorKind::Tls(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(why) && text.contains(check) && text.contains(&server.address.to_string()), "{text}");
    assert_eq!(server.asked(), 0, "no request leaves before the server is trusted");
}

const CHECK_CA: &str = "check the CA file";

#[tokio::test]
async fn an_authority_from_a_file_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (authority("ours"), authority("other"));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let server = Server::start(&Identity::of_server(&ours), None, version).await;
        assert_answered(fetch(server.config(Some(write(folder.path(), "ca.pem", &ours.pem())), None)).await);
        // A bundle: any of them will do.
        let bundle = write(folder.path(), "bundle.pem", &format!("{}{}", other.pem(), ours.pem()));
        assert_answered(fetch(server.config(Some(bundle), None)).await);
        assert_eq!(server.asked(), 2);
    }
}

#[tokio::test]
async fn who_is_not_trusted_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (authority("ours"), authority("other"));
    let (our_file, other_file) = (write(folder.path(), "ours.pem", &ours.pem()), write(folder.path(), "other.pem", &other.pem()));
    let tls13 = &rustls::version::TLS13;

    let server = Server::start(&Identity::of_server(&ours), None, tls13).await;
    assert_tls(fetch(server.config(Some(other_file), None)).await, &server, "UnknownIssuer", CHECK_CA);

    // Right authority, another host's certificate.
    let elsewhere = Identity::new(&ours, "prometheus.example", ExtendedKeyUsagePurpose::ServerAuth, |_| {});
    let server = Server::start(&elsewhere, None, tls13).await;
    assert_tls(fetch(server.config(Some(our_file.clone()), None)).await, &server, "not valid for name", CHECK_CA);

    let expired = Identity::new(&ours, "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth, |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    });
    let server = Server::start(&expired, None, tls13).await;
    assert_tls(fetch(server.config(Some(our_file.clone()), None)).await, &server, "expired", CHECK_CA);

    // Nobody speaks TLS there.
    let server = Server::listen(None).await;
    assert_tls(fetch(server.config(Some(our_file), None)).await, &server, "InvalidContentType", "that the address speaks https");
}

#[tokio::test]
async fn a_private_authority_is_unknown_to_the_system() {
    let ours = authority("ours");
    let server = Server::start(&Identity::of_server(&ours), None, &rustls::version::TLS13).await;
    // Where the system has no certificates at all, it fails earlier, with the same kind.
    let error = fetch(server.config(None, None)).await.unwrap_err();
    assert!(matches!(&error.kind, SourceErrorKind::Tls(_)) && error.to_string().contains(CHECK_CA), "{error:?}");
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn a_client_certificate_opens_what_is_closed_without() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let (ours, other) = (authority("ours"), authority("other"));
    let ca_file = write(folder.path(), "ca.pem", &ours.pem());
    let ours_pair = Identity::of_client(&ours).write(folder.path(), "client");
    let other_pair = Identity::of_client(&other).write(folder.path(), "stranger");
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let server = Server::start(&Identity::of_server(&ours), Some(&ours), version).await;
        for (pair, why) in [(None, "CertificateRequired"), (Some(other_pair.clone()), "")] {
            let refused = fetch(server.config(Some(ca_file.clone()), pair)).await;
            assert_tls(refused, &server, why, "client certificate");
        }
        assert_answered(fetch(server.config(Some(ca_file.clone()), Some(ours_pair.clone()))).await);
        assert_eq!(server.asked(), 1);
    }
}

#[tokio::test]
async fn files_that_hold_something_else_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let ours = authority("ours");
    let server = Server::start(&Identity::of_server(&ours), None, &rustls::version::TLS13).await;
    let ca_file = write(folder.path(), "ca.pem", &ours.pem());
    let (certificate, key) = Identity::of_client(&ours).write(folder.path(), "client");
    let nowhere = folder.path().join("nowhere.pem");
    for (config, name) in [
        (server.config(Some(nowhere.clone()), None), "nowhere.pem"),
        (server.config(Some(write(folder.path(), "empty.pem", "")), None), "empty.pem"),
        (server.config(Some(key.clone()), None), "client.key"),
        (server.config(Some(ca_file.clone()), Some((certificate.clone(), nowhere))), "nowhere.pem"),
        (server.config(Some(ca_file.clone()), Some((certificate.clone(), ca_file))), "client.pem"),
    ] {
        let error = fetch(config).await.unwrap_err();
        assert!(matches!(&error.kind, SourceErrorKind::File(text) if text.contains(name)), "{error:?}");
        assert!(!error.to_string().contains("BEGIN"), "{error}");
    }
    assert_eq!(server.asked(), 0);
}
