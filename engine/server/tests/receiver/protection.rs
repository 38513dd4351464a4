//! Beyond loopback: TLS and a token.

use std::path::Path;
use std::sync::Arc;

use davy_server::receiver::{Config, Limits, Receiver, Taken, TlsFiles};
use davy_sources::prometheus::{Secret, SecretSource};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::wire::{JSON, exchange, here, post, request};

fn config() -> Config {
    Config { addresses: vec![here()], tls: None, token: None, limits: Limits::default() }
}

async fn start(config: Config) -> Result<Receiver, String> {
    Receiver::start(config, Box::new(|_, _, _| Ok(Taken::default()))).await.map_err(|error| error.to_string())
}

fn certificate(folder: &Path) -> (TlsFiles, rcgen::CertifiedKey<rcgen::KeyPair>) {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a key");
    let files = TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.certificate, certified.cert.pem()).expect("a file");
    std::fs::write(&files.key, certified.signing_key.serialize_pem()).expect("a file");
    (files, certified)
}

fn token() -> Option<SecretSource> {
    Some(SecretSource::Literal(Secret::new("tomato-7")))
}

#[tokio::test]
async fn beyond_loopback_nothing_listens_without_both() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Some(certificate(folder.path()).0);
    let everywhere = || vec!["0.0.0.0:0".parse().unwrap()];
    let error = start(Config { addresses: everywhere(), token: token(), ..config() }).await.err().unwrap();
    assert!(error.contains("expected TLS") && error.contains("--otlp-cert"), "{error}");
    let error = start(Config { addresses: everywhere(), tls: tls.clone(), ..config() }).await.err().unwrap();
    assert!(error.contains("expected a bearer token") && error.contains("--otlp-token-file"), "{error}");
    assert!(start(Config { addresses: everywhere(), tls, token: token(), ..config() }).await.is_ok());
}

#[tokio::test]
async fn over_tls_only_the_token_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let (files, certified) = certificate(folder.path());
    let receiver = start(Config { tls: Some(files), token: token(), ..config() }).await.unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(client.with_root_certificates(roots).with_no_client_auth()));
    for (header, status) in [(None, 401), (Some("Bearer tomato-8"), 401), (Some("Bearer tomato-7"), 200)] {
        let stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let headers: Vec<_> = [JSON].into_iter().chain(header.map(|value| ("authorization", value))).collect();
        let answer = exchange(stream, &request("/v1/metrics", &headers, b"x")).await;
        assert_eq!(answer.status, status, "{}", answer.head);
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
        assert!(!String::from_utf8_lossy(&answer.body).contains("tomato"));
    }
}

#[tokio::test]
async fn a_token_that_changes_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "first\n").unwrap();
    let receiver = start(Config { token: Some(SecretSource::File(path.clone())), ..config() }).await.unwrap();
    let address = receiver.addresses()[0];
    let status = |token: &'static str| async move { post(address, "/v1/metrics", &[JSON, ("authorization", token)], b"x").await.status };
    assert_eq!(status("Bearer first").await, 200);
    std::fs::write(&path, "second\n").unwrap();
    assert_eq!(status("Bearer first").await, 401);
    assert_eq!(status("Bearer second").await, 200);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(status("Bearer second").await, 401, "what cannot be read lets nobody in");
}

#[tokio::test]
async fn what_cannot_start_says_which_file_or_port() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate(folder.path());
    let swapped = TlsFiles { certificate: files.key.clone(), key: files.certificate.clone() };
    let error = start(Config { tls: Some(swapped), ..config() }).await.err().unwrap();
    assert!(error.contains("PEM") || error.contains("do not serve TLS"), "{error}");
    let missing = TlsFiles { key: folder.path().join("nowhere.pem"), ..files };
    let error = start(Config { tls: Some(missing), ..config() }).await.err().unwrap();
    assert!(error.contains("nowhere.pem"), "{error}");
    let first = start(config()).await.unwrap();
    let error = start(Config { addresses: first.addresses().to_vec(), ..config() }).await.err().unwrap();
    assert!(error.contains(&first.addresses()[0].to_string()) && error.contains("another collector"), "{error}");
}
