"""What the double of Aliyun OSS keeps, and the operations on it."""
import base64
import datetime as dt
import email.utils
import hashlib
import re
import threading
import uuid
import xml.etree.ElementTree as ET
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

import crcmod

from oss_signatures import SIGNED_PARAMETERS, OssError, bad

# CRC-64/XZ, as the service computes it.
CRC = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, rev=True, xorOut=0xFFFFFFFFFFFFFFFF)
KEPT_HEADERS = ("content-type", "cache-control", "content-disposition", "content-encoding", "expires")
KEPT_PREFIXES = ("x-oss-meta-", "x-oss-server-side-")
PART_BYTES_MIN = 100 * 1024
ARCHIVES = ("Archive", "ColdArchive", "DeepColdArchive")


def utc_now():
    return dt.datetime.now(dt.timezone.utc)


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def md5(body):
    return hashlib.md5(body).digest()


def etag_of(body):
    return f'"{md5(body).hex().upper()}"'


class Object:
    def __init__(self, body, headers, etag, kind="Normal"):
        self.body, self.headers, self.etag, self.kind = body, headers, etag, kind
        self.time, self.crc = utc_now(), CRC(body)

    def crc_headers(self):
        return {"x-oss-hash-crc64ecma": str(self.crc), "ETag": self.etag}


class Upload:
    def __init__(self, bucket, key, headers):
        self.bucket, self.key, self.headers = bucket, key, headers
        self.parts, self.time = {}, utc_now()


class State:
    def __init__(self, buckets):
        self.lock = threading.Lock()
        self.buckets = {name: {} for name in buckets}
        self.uploads, self.log, self.faults = {}, [], []

    def fault(self, operation):
        """The fault that is armed for an operation, used up once."""
        with self.lock:
            for fault in self.faults:
                if fault["n"] > 0 and fault["op"] in (operation, "*"):
                    fault["n"] -= 1
                    return fault
        return None


class Operations:
    def __init__(self, state, settings, request, handler):
        self.state, self.settings, self.request = state, settings, request
        self.handler, self.reply, self.xml = handler, handler.reply, handler.xml
        self.headers, self.query, self.key = request.headers, request.query, request.key

    @property
    def objects(self):
        return self.state.buckets[self.request.bucket]

    def route(self):
        method, query, bucket = self.request.method, self.query, self.request.bucket
        if not bucket:
            return "ListBuckets", self.list_buckets
        if bucket not in self.state.buckets:
            raise OssError(404, "NoSuchBucket", "The specified bucket does not exist.", BucketName=bucket)
        if not self.key:
            return self.route_bucket(method, query)
        if len(self.key.encode()) > 1023 or self.key[0] in "/\\":
            raise OssError(400, "InvalidObjectName", "The specified object is not valid.")
        is_copy = "x-oss-copy-source" in self.headers
        if method == "POST" and "uploads" in query:
            return "InitiateMultipartUpload", self.initiate
        if method == "POST" and "uploadId" in query:
            return "CompleteMultipartUpload", self.complete
        if method == "POST" and "append" in query:
            return "AppendObject", self.append
        if method == "PUT" and "partNumber" in query:
            return "UploadPart", self.put_part
        if method == "PUT":
            return ("CopyObject", self.copy) if is_copy else ("PutObject", self.put)
        if method == "DELETE" and "uploadId" in query:
            return "AbortMultipartUpload", self.abort
        if method == "DELETE":
            return "DeleteObject", self.delete
        if method == "GET" and "uploadId" in query:
            return "ListParts", self.list_parts
        if method in ("GET", "HEAD"):
            return ("GetObject" if method == "GET" else "HeadObject"), self.get
        raise OssError(405, "MethodNotAllowed")

    def route_bucket(self, method, query):
        if method == "POST" and "delete" in query:
            return "DeleteMultipleObjects", self.delete_many
        if method == "GET" and "uploads" in query:
            return "ListMultipartUploads", self.list_uploads
        if method == "GET" and "versioning" in query:
            return "GetBucketVersioning", self.get_versioning
        if method == "GET" and not set(query) & (SIGNED_PARAMETERS - {"continuation-token"}):
            return "ListObjects", self.list
        raise OssError(501, "NotImplemented")

    def list_buckets(self):
        region = self.settings.region
        buckets = "".join(
            f"<Bucket><Name>{name}</Name><CreationDate>2020-01-01T00:00:00.000Z</CreationDate>"
            f"<Location>oss-{region}</Location><ExtranetEndpoint>x</ExtranetEndpoint>"
            "<IntranetEndpoint>x</IntranetEndpoint><StorageClass>Standard</StorageClass></Bucket>"
            for name in sorted(self.state.buckets)
        )
        owner = "<Owner><ID>0</ID><DisplayName>0</DisplayName></Owner><IsTruncated>false</IsTruncated>"
        self.xml("ListAllMyBucketsResult", f"{owner}<Buckets>{buckets}</Buckets>")

    def get_versioning(self):
        self.xml("VersioningConfiguration", "<Status>Enabled</Status>" if self.settings.versioned else "")

    def check_md5(self):
        want = self.headers.get("Content-MD5")
        if want and base64.b64encode(md5(self.request.body)).decode() != want:
            raise OssError(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")

    def forbid_overwrite(self):
        """Where versions are kept the header has no effect, as with the service."""
        forbidden = self.headers.get("x-oss-forbid-overwrite", "").lower() == "true"
        if forbidden and self.key in self.objects and not self.settings.versioned:
            message = "The object you specified already exists and can not be overwritten."
            raise OssError(409, "FileAlreadyExists", message)

    def kept_headers(self):
        found = {name.lower(): value for name, value in self.headers.items()}
        kept = {
            name: value
            for name, value in found.items()
            if name in KEPT_HEADERS or name.startswith(KEPT_PREFIXES) or name == "x-oss-storage-class"
        }
        kept.setdefault("content-type", "application/octet-stream")
        return kept

    def put(self):
        self.check_md5()
        made = Object(self.request.body, self.kept_headers(), etag_of(self.request.body))
        with self.state.lock:
            self.forbid_overwrite()
            self.objects[self.key] = made
        self.reply(200, headers=made.crc_headers())

    def append(self):
        self.check_md5()
        with self.state.lock:
            old = self.objects.get(self.key)
            if old and old.kind != "Appendable":
                raise OssError(409, "ObjectNotAppendable", "The object is not appendable")
            length = len(old.body) if old else 0
            if int(self.query.get("position", -1)) != length:
                fields = {"x-oss-next-append-position": length}
                raise OssError(409, "PositionNotEqualToLength", "Position is not equal to file length", **fields)
            body = (old.body if old else b"") + self.request.body
            made = Object(body, old.headers if old else self.kept_headers(), etag_of(body), "Appendable")
            self.objects[self.key] = made
        self.reply(200, headers={**made.crc_headers(), "x-oss-next-append-position": str(len(body))})

    def initiate(self):
        id = uuid.uuid4().hex.upper()
        with self.state.lock:
            self.forbid_overwrite()
            self.state.uploads[id] = Upload(self.request.bucket, self.key, self.kept_headers())
        self.xml(
            "InitiateMultipartUploadResult",
            f"<Bucket>{self.request.bucket}</Bucket><Key>{self.shown(self.key)}</Key><UploadId>{id}</UploadId>",
        )

    def upload(self):
        upload = self.state.uploads.get(self.query["uploadId"])
        if not upload or (upload.bucket, upload.key) != (self.request.bucket, self.key):
            raise OssError(404, "NoSuchUpload", "The specified upload does not exist.")
        return upload

    def put_part(self):
        self.check_md5()
        number, body = int(self.query["partNumber"]), self.request.body
        if not 1 <= number <= 10000:
            raise bad("Part number must be an integer between 1 and 10000, inclusive.")
        part = Object(body, {}, etag_of(body))
        with self.state.lock:
            self.upload().parts[number] = part
        self.reply(200, headers=part.crc_headers())

    def complete(self):
        self.check_md5()
        try:
            tree = ET.fromstring(re.sub(rb' xmlns="[^"]+"', b"", self.request.body))
            wanted = [
                (int(part.find("PartNumber").text), part.find("ETag").text.strip('"'))
                for part in tree.findall("Part")
            ]
        except (ET.ParseError, AttributeError, ValueError):
            raise OssError(400, "MalformedXML") from None
        numbers = [number for number, _ in wanted]
        with self.state.lock:
            upload = self.upload()
            self.forbid_overwrite()
            if not wanted:
                raise OssError(400, "MalformedXML")
            if numbers != sorted(set(numbers)):
                raise OssError(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
            for number, etag in wanted:
                part = upload.parts.get(number)
                if not part or part.etag.strip('"') != etag.upper():
                    raise OssError(400, "InvalidPart", PartNumber=number)
                if number != numbers[-1] and len(part.body) < PART_BYTES_MIN:
                    raise OssError(400, "EntityTooSmall", PartNumber=number, MinSizeAllowed=PART_BYTES_MIN)
            body = b"".join(upload.parts[number].body for number in numbers)
            if self.handler.corrupt:
                body = body[:-1] + b"?"
            names = b"".join(bytes.fromhex(etag) for _, etag in wanted)
            etag = f'"{md5(names).hex().upper()}-{len(wanted)}"'
            made = Object(body, upload.headers, etag, "Multipart")
            self.objects[self.key] = made
            del self.state.uploads[self.query["uploadId"]]
        inner = f"<Bucket>{self.request.bucket}</Bucket><Key>{self.shown(self.key)}</Key><ETag>{etag}</ETag>"
        location = f"<Location>http://{self.headers.get('Host')}/{escape(quote(self.key))}</Location>"
        self.xml("CompleteMultipartUploadResult", location + inner, headers=made.crc_headers())

    def abort(self):
        with self.state.lock:
            self.upload()
            del self.state.uploads[self.query["uploadId"]]
        self.reply(204)

    def list_parts(self):
        parts = sorted(self.upload().parts.items())
        inner = "".join(
            f"<Part><PartNumber>{number}</PartNumber><LastModified>{iso(part.time)}</LastModified>"
            f"<ETag>{part.etag}</ETag><Size>{len(part.body)}</Size></Part>"
            for number, part in parts
        )
        last = parts[-1][0] if parts else 0
        head = (
            f"<Bucket>{self.request.bucket}</Bucket><Key>{self.shown(self.key)}</Key>"
            f"<UploadId>{self.query['uploadId']}</UploadId><PartNumberMarker>0</PartNumberMarker>"
            f"<NextPartNumberMarker>{last}</NextPartNumberMarker><MaxParts>1000</MaxParts>"
            "<IsTruncated>false</IsTruncated>"
        )
        self.xml("ListPartsResult", head + inner)

    def list_uploads(self):
        prefix, most = self.query.get("prefix", ""), int(self.query.get("max-uploads", 1000))
        after = (self.query.get("key-marker", ""), self.query.get("upload-id-marker", ""))
        with self.state.lock:
            found = sorted(
                (upload.key, id, upload)
                for id, upload in self.state.uploads.items()
                if upload.bucket == self.request.bucket and upload.key.startswith(prefix)
            )
        found = [entry for entry in found if entry[:2] > after]
        page = found[:most]
        inner = "".join(
            f"<Upload><Key>{self.shown(key)}</Key><UploadId>{id}</UploadId>"
            f"<Initiated>{iso(upload.time)}</Initiated></Upload>"
            for key, id, upload in page
        )
        more = len(found) > most
        next_key, next_id = page[-1][:2] if more else ("", "")
        head = (
            f"<Bucket>{self.request.bucket}</Bucket><KeyMarker>{self.shown(after[0])}</KeyMarker>"
            f"<UploadIdMarker>{after[1]}</UploadIdMarker><NextKeyMarker>{self.shown(next_key)}</NextKeyMarker>"
            f"<NextUploadIdMarker>{next_id}</NextUploadIdMarker><Prefix>{self.shown(prefix)}</Prefix>"
            f"<Delimiter></Delimiter>{self.encoding_type()}<MaxUploads>{most}</MaxUploads>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        )
        self.xml("ListMultipartUploadsResult", head + inner)

    def encoding_type(self):
        return "<EncodingType>url</EncodingType>" if self.query.get("encoding-type") else ""

    def shown(self, key):
        return escape(quote(key, safe="/") if self.query.get("encoding-type") == "url" else key)

    def copy(self):
        bucket, _, key = unquote(self.headers["x-oss-copy-source"]).lstrip("/").partition("/")
        source = self.state.buckets.get(bucket, {}).get(key)
        if not source:
            raise OssError(404, "NoSuchKey", "The specified key does not exist.", Key=key)
        made = Object(source.body, source.headers, source.etag, source.kind)
        with self.state.lock:
            self.forbid_overwrite()
            self.objects[self.key] = made
        inner = f"<ETag>{made.etag}</ETag><LastModified>{iso(made.time)}</LastModified>"
        self.xml("CopyObjectResult", inner, headers={"ETag": made.etag})

    def delete(self):
        with self.state.lock:
            self.objects.pop(self.key, None)
        self.reply(204)

    def delete_many(self):
        if "Content-MD5" not in self.headers:
            raise OssError(400, "MissingArgument", ArgumentName="Content-MD5")
        self.check_md5()
        try:
            tree = ET.fromstring(re.sub(rb' xmlns="[^"]+"', b"", self.request.body))
            keys = [entry.find("Key").text for entry in tree.findall("Object")]
        except (ET.ParseError, AttributeError):
            raise OssError(400, "MalformedXML") from None
        if not 0 < len(keys) <= 1000:
            raise OssError(400, "MalformedXML")
        with self.state.lock:
            for key in keys:
                self.objects.pop(key, None)
        shown = "".join(f"<Deleted><Key>{self.shown(key)}</Key></Deleted>" for key in keys)
        self.xml("DeleteResult", "" if tree.findtext("Quiet") == "true" else shown)

    def get(self):
        found = self.objects.get(self.key)
        if not found:
            raise OssError(404, "NoSuchKey", "The specified key does not exist.", Key=self.key)
        storage_class = found.headers.get("x-oss-storage-class", "Standard")
        if storage_class in ARCHIVES and self.request.method == "GET":
            raise OssError(403, "InvalidObjectState", "The operation is not valid for the object's state")
        name, names = found.etag.strip('"'), lambda header: (self.headers.get(header) or "").strip('"')
        if names("If-Match") not in ("", name):
            raise OssError(412, "PreconditionFailed", Condition="If-Match")
        headers = {
            **{name: value for name, value in found.headers.items() if name != "content-type"},
            **found.crc_headers(),
            "Content-Type": self.query.get("response-content-type") or found.headers["content-type"],
            "Last-Modified": email.utils.format_datetime(found.time, usegmt=True),
            "x-oss-object-type": found.kind,
            "x-oss-storage-class": storage_class,
            "Accept-Ranges": "bytes",
        }
        if names("If-None-Match") == name:
            return self.reply(304, headers=headers)
        status, body, length = 200, found.body, len(found.body)
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if match and any(match.groups()):
            first, last = match.groups()
            start = int(first) if first else max(length - int(last), 0)
            end = min(int(last) if first and last else length - 1, length - 1)
            if start <= end:
                status, body = 206, body[start : end + 1]
                headers["Content-Range"] = f"bytes {start}-{end}/{length}"
            elif self.headers.get("x-oss-range-behavior") == "standard":
                raise OssError(416, "InvalidRange", "The requested range cannot be satisfied")
        headers["Content-Length"] = str(len(body))
        return self.reply(status, body, headers=headers)

    def list(self):
        query, second = self.query, self.query.get("list-type") == "2"
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        most, token = int(query.get("max-keys", 100)), query.get("continuation-token")
        if not 0 <= most <= 1000:
            raise bad("Argument max-keys must be an integer between 0 and 1000.")
        after = query.get("start-after" if second else "marker", "")
        after = base64.urlsafe_b64decode(token).decode() if token else after
        with self.state.lock:
            objects = sorted((key.encode(), key, found) for key, found in self.objects.items())
        page, seen, more = [], set(), False
        for _, key, found in objects:
            if not key.startswith(prefix):
                continue
            folder, mark, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            name = prefix + folder + mark if mark else key
            passed = name.encode() <= after.encode() or (mark and after.startswith(name))
            if name in seen or (after and passed):
                continue
            if len(page) >= most:
                more = True
                break
            seen.add(name)
            page.append((name, found if not mark else None))
        last = page[-1][0] if page and more else ""
        head = (
            f"<Name>{self.request.bucket}</Name><Prefix>{self.shown(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"
            f"<Delimiter>{self.shown(delimiter)}</Delimiter>{self.encoding_type()}"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        )
        if second:
            head += f"<KeyCount>{len(page)}</KeyCount>"
            if more:
                next_token = base64.urlsafe_b64encode(last.encode()).decode()
                head += f"<NextContinuationToken>{next_token}</NextContinuationToken>"
        elif more:
            head += f"<NextMarker>{self.shown(last)}</NextMarker>"
        inner = "".join(self.listed(name, found) for name, found in page)
        self.xml("ListBucketResult", head + inner)

    def listed(self, name, found):
        if not found:
            return f"<CommonPrefixes><Prefix>{self.shown(name)}</Prefix></CommonPrefixes>"
        return (
            f"<Contents><Key>{self.shown(name)}</Key><LastModified>{iso(found.time)}</LastModified>"
            f"<ETag>{found.etag}</ETag><Type>{found.kind}</Type><Size>{len(found.body)}</Size>"
            "<StorageClass>Standard</StorageClass><Owner><ID>0</ID><DisplayName>0</DisplayName></Owner>"
            "</Contents>"
        )
