"""What others see below a prefix of a bucket: every object's SHA-256, the texts of manifests, and what is left open or
half done. By boto3 for `s3`, by oss2 for `oss`: `outside.py SCHEME ENDPOINT KEY SECRET BUCKET REGION PREFIX` prints JSON.
"""
import hashlib
import json
import sys


def of_s3(endpoint, key, secret, bucket, prefix):
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            body = client.get_object(Bucket=bucket, Key=entry["Key"])["Body"]
            yield "object", entry["Key"], body.iter_chunks(1 << 20)
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Uploads", []):
            yield "upload", entry["Key"], []


def of_oss(endpoint, key, secret, bucket, region, prefix):
    import oss2

    opened = oss2.Bucket(oss2.make_auth(key, secret, "v4"), endpoint, bucket, region=region)
    for entry in oss2.ObjectIteratorV2(opened, prefix=prefix):
        yield "object", entry.key, opened.get_object(entry.key)
    for entry in oss2.MultipartUploadIterator(opened, prefix=prefix):
        yield "upload", entry.key, []


def main():
    scheme, endpoint, key, secret, bucket, region, prefix = sys.argv[1:]
    if scheme == "s3":
        found = of_s3(endpoint, key, secret, bucket, prefix)
    else:
        found = of_oss(endpoint, key, secret, bucket, region, prefix)
    sha256, manifests, left = {}, {}, []
    for kind, name, chunks in found:
        path = name[len(prefix):]
        if kind == "upload" or path.startswith(".stagedoor"):
            left.append(f"{kind} {path}")
            continue
        digest, text = hashlib.sha256(), b""
        for chunk in chunks:
            digest.update(chunk)
            if path.endswith("manifest.json"):
                text += chunk
        sha256[path] = digest.hexdigest()
        if text:
            manifests[path] = text.decode()
    json.dump({"sha256": sha256, "manifests": manifests, "left": left}, sys.stdout)


main()
