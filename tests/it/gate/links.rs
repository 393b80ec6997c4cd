//! Download links: by plain HTTP, for as long as whoever made one may have the file, and for nothing else.

use std::time::{Duration, Instant};

use test_servers::{Fetched, fetch};

use super::{Caller, Door};

/// The URL of a link, which needs no headers.
async fn presigned(caller: &Caller, statement: &str) -> String {
    let rows = caller.rows(statement).await;
    assert_eq!((rows[0][0].as_str(), rows[0][2].as_str()), ("GET", "{}"));
    rows[0][1].clone()
}

fn get(url: &str) -> Fetched {
    fetch("GET", url, &[], b"")
}

fn text(fetched: &Fetched) -> String {
    String::from_utf8(fetched.body.clone()).unwrap()
}

async fn lake(door: &Door) -> Caller {
    let admin = door.admin("t1").await;
    let dir = door.dir("t1");
    std::fs::create_dir_all(dir.join("a b")).unwrap();
    std::fs::write(dir.join("a b/x y\u{e9}.csv"), "0123456789").unwrap();
    admin
        .ok(&format!(
            "CREATE STAGE lake URL = 'file://{}'",
            dir.display()
        ))
        .await;
    admin
}

const FILE: &str = "'stage://lake/a b/x y\u{e9}.csv'";

#[tokio::test(flavor = "multi_thread")]
async fn a_link_gives_its_file_and_no_other() {
    let door = Door::with_tenants().await;
    let admin = lake(&door).await;
    let url = presigned(&admin, &format!("PRESIGN {FILE}")).await;
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let whole = get(&url);
    assert_eq!((whole.status, text(&whole).as_str()), (200, "0123456789"));
    assert_eq!(whole.header("content-length"), Some("10"));
    assert_eq!(
        whole.header("content-disposition"),
        Some("attachment; filename*=UTF-8''x%20y%C3%A9.csv")
    );
    assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));
    let etag = whole.header("etag").unwrap().to_owned();
    let head = fetch("HEAD", &url, &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("10"));

    let range = |range: &str, only: Option<&str>| {
        let mut headers = vec![("Range".to_owned(), range.to_owned())];
        headers.extend(only.map(|etag| ("If-Range".to_owned(), etag.to_owned())));
        fetch("GET", &url, &headers, b"")
    };
    let part = range("bytes=2-4", Some(&etag));
    assert_eq!((part.status, text(&part).as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(text(&range("bytes=-3", None)), "789");
    assert_eq!(range("bytes=2-4", Some("\"other\"")).status, 200);
    assert_eq!(range("bytes=10-", None).status, 416);

    // The name at the end is for people. Nothing else of it can be changed.
    let (base, name) = url.rsplit_once('/').unwrap();
    assert_eq!(get(&format!("{base}/other")).status, 200);
    let (front, signed) = base.rsplit_once('/').unwrap();
    let (body, mac) = signed.split_once('.').unwrap();
    let flipped = |text: &str| match text.strip_prefix('A') {
        Some(rest) => format!("B{rest}"),
        None => format!("A{}", &text[1..]),
    };
    for tampered in [
        format!("{}.{mac}", flipped(body)),
        format!("{body}.{}", flipped(mac)),
        body.to_owned(),
        format!("{body}."),
        "x".to_owned(),
    ] {
        let refused = get(&format!("{front}/{tampered}/{name}"));
        assert_eq!(refused.status, 403, "{tampered}");
        assert!(text(&refused).contains("no link of this server's"));
    }
    let origin = url.split("/files/").next().unwrap();
    assert_eq!(get(&format!("{origin}/")).status, 404);
    assert_eq!(get(&format!("{origin}/files/")).status, 404);
    assert_eq!(fetch("POST", &url, &[], b"x").status, 405);

    let used = admin
        .rows("SELECT target, client, reason FROM stagedoor.audit WHERE operation = 'DOWNLOAD FILE' AND outcome = 'done' ORDER BY number")
        .await;
    assert_eq!(used[0][0], "stage://lake/a b/x y\u{e9}.csv");
    assert!(used[0][1].starts_with("127.0.0.1:"), "{used:?}");
    assert_eq!(used[0][2], "by a link, 10 bytes from byte 0 on");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_its_time_and_with_its_makers_right() {
    let door = Door::with_tenants().await;
    let admin = lake(&door).await;
    admin.ok("CREATE USER ann IDENTIFIED BY 'pw'").await;
    let ann = door.login("t1#ann", "pw").await;
    let statement = format!("PRESIGN {FILE}");
    let brief = presigned(&ann, &format!("{statement} EXPIRE = 1")).await;
    let url = presigned(&ann, &statement).await;
    let begun = Instant::now();
    while get(&brief).status == 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it does not expire"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(text(&get(&brief)).contains("expired"));
    assert_eq!(get(&url).status, 200);

    for (taken, given) in [
        (
            "REVOKE READ ON STAGE lake FROM public".to_owned(),
            "GRANT READ ON STAGE lake TO public".to_owned(),
        ),
        (
            "ALTER STAGE lake SET ENABLE = FALSE".to_owned(),
            "ALTER STAGE lake SET ENABLE = TRUE".to_owned(),
        ),
        ("DROP STAGE lake".to_owned(), "UNDROP STAGE lake".to_owned()),
        (
            format!(
                "ALTER STAGE lake SET URL = 'file://{}/a b'",
                door.dir("t1").display()
            ),
            format!(
                "ALTER STAGE lake SET URL = 'file://{}'",
                door.dir("t1").display()
            ),
        ),
    ] {
        admin.ok(&taken).await;
        assert_eq!(get(&url).status, 403, "{taken}");
        admin.ok(&given).await;
        assert_eq!(get(&url).status, 200, "{given}");
    }
    // A change that leaves the place where it is does not end it, and another file of the name is what it gives.
    admin.ok("ALTER STAGE lake RENAME TO sea").await;
    std::fs::write(door.dir("t1").join("a b/x y\u{e9}.csv"), "new").unwrap();
    assert_eq!(text(&get(&url)), "new");
    // What ends tokens ends links, for good: a lock, another password.
    admin.ok("ALTER USER ann LOCK").await;
    assert_eq!(get(&url).status, 403);
    admin.ok("ALTER USER ann UNLOCK").await;
    assert_eq!(get(&url).status, 403);
    let url = presigned(&ann, &statement.replace("lake", "sea")).await;
    assert_eq!(get(&url).status, 200);
    admin.ok("ALTER USER ann IDENTIFIED BY 'other'").await;
    assert_eq!(get(&url).status, 403);
    let ann = door.login("t1#ann", "other").await;
    let url = presigned(&ann, &statement.replace("lake", "sea")).await;
    assert_eq!(text(&get(&url)), "new");
    admin
        .ok("REMOVE FILES FROM STAGE 'stage://sea/a b/*'")
        .await;
    assert_eq!(get(&url).status, 404);
    admin.ok("DROP USER ann").await;
    admin.ok("CREATE USER ann IDENTIFIED BY 'pw'").await;
    assert_eq!(get(&url).status, 403, "another user of the name");
    door.close().await;
}
