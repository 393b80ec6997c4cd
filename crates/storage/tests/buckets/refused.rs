//! Connections that are not made: to where a name must not lead, and to where a redirect points.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use stagedoor_storage::{BucketErrorKind, EndpointPolicy, ObjectOptions, Transport};

use crate::place::{Place, QUICK, local, resolving, transport};

/// Answers every request with `answer`, and counts them.
fn answering(answer: String) -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, count)
}

fn place(endpoint: &str) -> Place {
    Place {
        url: "s3://exports/p".to_owned(),
        pairs: vec![
            ("access_key_id", "key".to_owned()),
            ("secret_access_key", "planted".to_owned()),
            ("endpoint", endpoint.to_owned()),
        ],
        upstream: 0,
    }
}

async fn create(place: Place, transport: &Transport) -> stagedoor_storage::BucketError {
    match place.open_with(transport, QUICK).await {
        Ok(bucket) => {
            let uploads = bucket.uploads();
            uploads
                .create("k", &ObjectOptions::default())
                .await
                .unwrap_err()
        }
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_public_name_that_leads_to_this_machine_is_not_connected_to() {
    let (port, count) = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned());
    let public = EndpointPolicy::default().allow_http(true);
    let refusing = resolving(public, &["storage.example.com"]);
    let endpoint = format!("http://storage.example.com:{port}");
    let error = create(place(&endpoint), &refusing).await;
    assert_eq!(*error.kind(), BucketErrorKind::NotPermitted, "{error}");
    assert!(error.to_string().contains("endpoints.allow"), "{error}");
    // The reading side refuses the same.
    let bucket = place(&endpoint).open_with(&refusing, QUICK).await.unwrap();
    let read = bucket.operator().read("k").await.unwrap_err();
    assert!(read.to_string().contains("endpoints.allow"), "{read}");
    assert_eq!(count.load(Ordering::SeqCst), 0);
    // With the address listed it is reached, so the refusal above is the policy's.
    create(
        place(&endpoint),
        &resolving(allowing(&["storage.example.com"]), &["storage.example.com"]),
    )
    .await;
    assert!(count.load(Ordering::SeqCst) > 0);
}

fn allowing(rules: &[&str]) -> EndpointPolicy {
    let rules = rules.iter().map(|rule| rule.parse().unwrap());
    EndpointPolicy::default()
        .allow_only(rules.collect())
        .allow_http(true)
}

#[tokio::test]
async fn what_is_not_permitted_is_refused_when_opened() {
    let strict = Transport::new(EndpointPolicy::default(), Default::default()).unwrap();
    for endpoint in [
        "https://127.0.0.1:9000",
        "https://169.254.169.254",
        "https://localhost",
        "http://storage.example.com",
        "https://[::1]:9000",
        "https://10.0.0.1",
    ] {
        let error = place(endpoint).open_with(&strict, QUICK).await.unwrap_err();
        assert_eq!(
            *error.kind(),
            BucketErrorKind::NotPermitted,
            "{endpoint}: {error}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let (elsewhere, reached) = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned());
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let (port, asked) = answering(format!(
            "HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        let error = create(place(&format!("http://127.0.0.1:{port}")), &transport()).await;
        assert_eq!(*error.kind(), BucketErrorKind::Redirected, "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_as_it_is() {
    // Nobody listens on a port that was just given back.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = create(place(&format!("http://127.0.0.1:{port}")), &transport()).await;
    assert_eq!(*error.kind(), BucketErrorKind::Connect, "{error}");
    assert!(error.to_string().contains("connection refused"), "{error}");
    // A server without transport security, spoken to with it.
    let (port, _) = answering("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned());
    let error = create(place(&format!("https://127.0.0.1:{port}")), &transport()).await;
    assert_eq!(*error.kind(), BucketErrorKind::Tls, "{error}");
    let unknown = allowing(&["nowhere.invalid"]);
    let transport = Transport::new(unknown, Default::default()).unwrap();
    let error = create(place("http://nowhere.invalid"), &transport).await;
    assert_eq!(*error.kind(), BucketErrorKind::Dns, "{error}");
    assert!(!format!("{error:?}").contains("planted"));
}

#[tokio::test]
async fn an_answer_that_is_no_stores_is_not_quoted() {
    let page = "planted page of an internal service";
    let (port, _) = answering(format!(
        "HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    ));
    let endpoint = format!("http://127.0.0.1:{port}");
    let error = create(place(&endpoint), &transport()).await;
    assert!(
        !format!("{error} {error:?}").contains("planted"),
        "{error:?}"
    );
    let transport = resolving(local(), &[]);
    let bucket = place(&endpoint).open_with(&transport, QUICK).await.unwrap();
    let read = bucket.operator().read("k").await.unwrap_err();
    assert!(!format!("{read} {read:?}").contains("planted"), "{read:?}");
}
