"""Proves `oss_double.py` with Aliyun's two Python clients, oss2 and alibabacloud-oss-v2: signatures V1 and
V4, in headers and in URLs, buckets before the host and in the path.

Starts a double of its own, prints a line a check, and ends with 1 if one failed.
"""
import io
import os
import socket
import subprocess
import sys
import time

import alibabacloud_oss_v2 as v2
import oss2
import requests

BUCKET, KEY, SECRET, REGION = "exports", "testkey", "testsecret123", "cn-test"
HERE = os.path.dirname(os.path.abspath(__file__))
ODD = "目录/a b+c%&=?#~'(1).txt"
results = []


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def check(name, outcome):
    try:
        ok, detail = outcome() is not False, ""
    except Exception as error:  # any failure of a client is a failed check
        ok, detail = False, f" {type(error).__name__}: {str(error)[:300]}"
    results.append(ok)
    print("ok" if ok else "FAILED", name + detail, flush=True)


def refused(code, call):
    """Whether a call is refused with this code."""
    try:
        call()
    except Exception as error:
        return code in str(error) or code == getattr(error, "code", None)
    return False


def with_oss2(tag, bucket, proxies):
    def objects():
        headers = {"x-oss-meta-foo": "bar", "Content-Type": "text/x"}
        bucket.put_object(ODD, b"hello", headers=headers)
        return (
            bucket.get_object(ODD).read() == b"hello"
            and bucket.head_object(ODD).headers["x-oss-meta-foo"] == "bar"
            and bucket.get_object(ODD, byte_range=(1, 2)).read() == b"el"
        )

    def multipart():
        upload = bucket.init_multipart_upload("mp/k").upload_id
        first, parts = os.urandom(102400), []
        for number, body in enumerate([first, b"tail"], 1):
            part = bucket.upload_part("mp/k", upload, number, body)
            parts.append(oss2.models.PartInfo(number, part.etag, size=len(body), part_crc=part.crc))
        numbers = [part.part_number for part in bucket.list_parts("mp/k", upload).parts]
        listed = [entry.upload_id for entry in bucket.list_multipart_uploads(prefix="mp/").upload_list]
        bucket.complete_multipart_upload("mp/k", upload, parts)
        return numbers == [1, 2] and upload in listed and bucket.get_object("mp/k").read() == first + b"tail"

    def small_part_and_abort():
        upload = bucket.init_multipart_upload("mp/s").upload_id
        parts = [
            oss2.models.PartInfo(number, bucket.upload_part("mp/s", upload, number, b"x").etag)
            for number in (1, 2)
        ]
        small = refused("EntityTooSmall", lambda: bucket.complete_multipart_upload("mp/s", upload, parts))
        bucket.abort_multipart_upload("mp/s", upload)
        return small and refused("NoSuchUpload", lambda: bucket.upload_part("mp/s", upload, 3, b"x"))

    def forbid_complete():
        upload = bucket.init_multipart_upload(ODD).upload_id
        part = bucket.upload_part(ODD, upload, 1, b"x")
        parts = [oss2.models.PartInfo(1, part.etag, size=1, part_crc=part.crc)]
        forbid = {"x-oss-forbid-overwrite": "true"}
        call = lambda: bucket.complete_multipart_upload(ODD, upload, parts, headers=forbid)
        done = refused("FileAlreadyExists", call)
        bucket.abort_multipart_upload(ODD, upload)
        return done

    def paged_uploads():
        ids = {bucket.init_multipart_upload(f"pages/{n % 3}").upload_id for n in range(7)}
        found = [u.upload_id for u in oss2.MultipartUploadIterator(bucket, prefix="pages/", max_uploads=2)]
        for upload in list(oss2.MultipartUploadIterator(bucket, prefix="pages/")):
            bucket.abort_multipart_upload(upload.key, upload.upload_id)
        return len(found) == 7 and set(found) == ids

    def listing():
        for number in range(25):
            bucket.put_object(f"l/{number:02d}", b"")
        bucket.put_object("l/d/x", b"")
        second = [entry.key for entry in oss2.ObjectIteratorV2(bucket, prefix="l/", max_keys=7)]
        first = [entry.key for entry in oss2.ObjectIterator(bucket, prefix="l/", max_keys=7)]
        top = [entry.key for entry in oss2.ObjectIteratorV2(bucket, prefix="l/", delimiter="/")]
        return len(second) == 26 and second == sorted(second) == first and "l/d/" in top and "l/d/x" not in top

    def batch_delete():
        deleted = bucket.batch_delete_objects([f"l/{number:02d}" for number in range(25)]).deleted_keys
        left = [entry.key for entry in oss2.ObjectIteratorV2(bucket, prefix="l/")]
        return len(deleted) == 25 and left == ["l/d/x"]

    def append():
        bucket.append_object("ap", 0, b"ab")
        bucket.append_object("ap", 2, b"cd")
        whole = bucket.get_object("ap").read() == b"abcd"
        wrong = refused("PositionNotEqualToLength", lambda: bucket.append_object("ap", 1, b"x"))
        bucket.delete_object("ap")
        return whole and wrong

    def signed_urls():
        url = bucket.sign_url("GET", ODD, 60, slash_safe=True)
        right = requests.get(url, proxies=proxies).content == b"hello"
        tampered = requests.get(url.replace(".txt", ".txu"), proxies=proxies).status_code == 403
        put = bucket.sign_url("PUT", "ps", 60, headers={"Content-Type": "a/b"})
        requests.put(put, data=b"z", headers={"Content-Type": "a/b"}, proxies=proxies)
        return right and tampered and bucket.get_object("ps").read() == b"z"

    def expired_url():
        url = bucket.sign_url("GET", ODD, 1)
        time.sleep(2.2)
        answer = requests.get(url, proxies=proxies)
        return answer.status_code == 403 and "expired" in answer.text

    def wrong_md5():
        headers = {"Content-MD5": oss2.utils.content_md5(b"other")}
        return refused("InvalidDigest", lambda: bucket.put_object("m", b"abc", headers=headers))

    forbid = {"x-oss-forbid-overwrite": "true"}
    standard = {"x-oss-range-behavior": "standard"}
    check(f"{tag} objects", objects)
    check(f"{tag} wrong MD5", wrong_md5)
    check(
        f"{tag} forbid overwrite",
        lambda: refused("FileAlreadyExists", lambda: bucket.put_object(ODD, b"x", headers=forbid)),
    )
    check(
        f"{tag} range beyond the end",
        lambda: refused("416", lambda: bucket.get_object(ODD, byte_range=(100, 200), headers=standard)),
    )
    check(f"{tag} multipart", multipart)
    check(f"{tag} small part, abort", small_part_and_abort)
    check(f"{tag} forbid overwrite on complete", forbid_complete)
    check(f"{tag} open uploads by pages", paged_uploads)
    check(f"{tag} append", append)
    check(
        f"{tag} copy",
        lambda: bucket.copy_object(BUCKET, ODD, "copied") and bucket.get_object("copied").read() == b"hello",
    )
    check(f"{tag} listing", listing)
    check(f"{tag} batch delete", batch_delete)
    check(f"{tag} signed URLs", signed_urls)
    check(f"{tag} expired URL", expired_url)
    check(f"{tag} versioning", lambda: bucket.get_bucket_versioning().status is None)
    check(f"{tag} missing object", lambda: refused("NoSuchKey", lambda: bucket.get_object("nope")))
    check(f"{tag} delete", lambda: bucket.delete_object(ODD) and not bucket.object_exists(ODD))


def with_v2(tag, client_for):
    client, key = client_for(SECRET), "v2/é b+.txt"
    body = io.BytesIO(b"q" * 350000)

    def put(**more):
        return client.put_object(v2.PutObjectRequest(bucket=BUCKET, key=key, body=b"hey", **more))

    def get(using):
        return using.get_object(v2.GetObjectRequest(bucket=BUCKET, key=key)).body.content

    def uploader():
        up = client.uploader(part_size=100 * 1024, parallel_num=2)
        up.upload_from(v2.PutObjectRequest(bucket=BUCKET, key="v2/up"), body)
        head = client.head_object(v2.HeadObjectRequest(bucket=BUCKET, key="v2/up"))
        return head.content_length == 350000

    def pages():
        request = v2.ListObjectsV2Request(bucket=BUCKET, prefix="v2/", max_keys=1)
        found = client.list_objects_v2_paginator().iter_page(request)
        return {key, "v2/up"} <= {entry.key for page in found for entry in (page.contents or [])}

    check(f"{tag} put and get", lambda: put() and get(client) == b"hey")
    check(f"{tag} forbid overwrite", lambda: refused("FileAlreadyExists", lambda: put(forbid_overwrite=True)))
    check(f"{tag} uploader", uploader)
    check(f"{tag} pages", pages)
    check(f"{tag} wrong secret", lambda: refused("SignatureDoesNotMatch", lambda: get(client_for("bad"))))


def main():
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    proxies = {"http": own, "https": own}
    double = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "oss_double.py"), f"--port={port}", f"--bucket={BUCKET}"]
    )
    try:
        wait_for(port, double)
        for version in ("v1", "v4"):
            for style in ("virtual", "path"):
                virtual = style == "virtual"
                endpoint = f"http://oss-{REGION}.aliyuncs.com" if virtual else own
                through = proxies if virtual else None

                def bucket(key=KEY, secret=SECRET, region=REGION):
                    auth = oss2.make_auth(key, secret, version)
                    return oss2.Bucket(auth, endpoint, BUCKET, region=region, proxies=through)

                tag = f"oss2 {version} {style}"
                with_oss2(tag, bucket(), proxies)
                wrong = lambda: bucket(secret="WRONG").put_object("x", b"")
                check(f"{tag} wrong secret", lambda: refused("SignatureDoesNotMatch", wrong))
                unknown = lambda: bucket(key="nobody").get_object("x")
                check(f"{tag} unknown key", lambda: refused("InvalidAccessKeyId", unknown))
                if version == "v4":
                    elsewhere = lambda: bucket(region="cn-other").get_object("x")
                    check(f"{tag} wrong region", lambda: refused("Invalid signing region", elsewhere))

                def client(secret):
                    config = v2.config.load_default()
                    config.credentials_provider = v2.credentials.StaticCredentialsProvider(KEY, secret)
                    config.region, config.signature_version = REGION, version
                    config.retry_max_attempts, config.endpoint = 1, endpoint
                    config.use_path_style = not virtual
                    if virtual:
                        config.proxy_host = proxies
                    return v2.Client(config)

                with_v2(f"oss_v2 {version} {style}", client)
        check("anonymous", lambda: requests.get(f"{own}/{BUCKET}/x").status_code == 403)
    finally:
        double.kill()
        double.wait()
    print(f"{sum(results)} of {len(results)} checks passed")
    return 0 if results and all(results) else 1


def wait_for(port, double):
    while double.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("the double did not start")


if __name__ == "__main__":
    sys.exit(main())
