"""The signatures of Aliyun OSS, V1 and V4, in a header and in a URL: checked as its documentation says.

Each check raises OssError as the service answers it.
"""
import base64
import datetime as dt
import email.utils
import hashlib
import hmac
from urllib.parse import quote

# The parameters that signature V1 signs: what the official clients sign, taken together.
SIGNED_PARAMETERS = set(
    """acl append asyncFetch bucketInfo callback callback-var cname comp continuation-token cors delete
    encryption endTime group img inventory inventoryId lifecycle link live location logging metaQuery
    objectInfo objectMeta partNumber policy position qos qosInfo referer regionList replication
    replicationLocation replicationProgress requestPayment resourceGroup response-cache-control
    response-content-disposition response-content-encoding response-content-language
    response-content-type response-expires restore security-token sequential startTime stat status style
    styleName symlink tagging transferAcceleration udf uploadId uploads versionId versioning versions vod
    website withHashContext worm wormExtend wormId x-oss-ac-forward-allow x-oss-ac-source-ip
    x-oss-ac-subnet-mask x-oss-ac-vpc-id x-oss-process x-oss-request-payer x-oss-traffic-limit""".split()
)
V4 = "OSS4-HMAC-SHA256"
V4_REQUEST = "aliyun_v4_request"


class OssError(Exception):
    """An answer that is an error."""

    def __init__(self, status, code, message="", **fields):
        super().__init__(code)
        self.status, self.code, self.message, self.fields = status, code, message or code, fields


def denied(message, **fields):
    return OssError(403, "AccessDenied", message, **fields)


def bad(message, **fields):
    return OssError(400, "InvalidArgument", message, **fields)


class Checker:
    """Checks the signatures of one access key."""

    def __init__(self, settings):
        self.settings = settings

    def now(self):
        ahead = dt.timedelta(seconds=self.settings.clock_ahead)
        return dt.datetime.now(dt.timezone.utc) + ahead

    def check(self, request):
        """Gives the signature's version."""
        headers, query = request.headers, request.query
        authorization = headers.get("Authorization", "")
        if authorization.startswith(V4 + " "):
            fields = (field.strip().split("=", 1) for field in authorization[len(V4) + 1 :].split(","))
            return self._v4(request, dict(fields), in_url=False)
        if authorization.startswith("OSS "):
            return self._v1_header(request, authorization[4:])
        if authorization:
            raise bad("Authorization header is invalid.", ArgumentName="Authorization")
        if query.get("x-oss-signature-version") == V4:
            fields = {
                "Credential": query.get("x-oss-credential", ""),
                "AdditionalHeaders": query.get("x-oss-additional-headers", ""),
                "Signature": query.get("x-oss-signature", ""),
            }
            return self._v4(request, fields, in_url=True)
        if "OSSAccessKeyId" in query:
            return self._v1_url(request)
        raise denied("You have no right to access this object because of bucket acl.")

    def _key(self, key, token, version):
        if version not in self.settings.signatures:
            # As buckets made since the older signature was given up.
            raise denied(f"{version} signature is not allowed for this bucket")
        if key != self.settings.key:
            message = "The OSS Access Key Id you provided does not exist in our records."
            raise OssError(403, "InvalidAccessKeyId", message, OSSAccessKeyId=key)
        if (token or None) != self.settings.token:
            raise OssError(403, "InvalidSecurityToken", "The security token you provided is invalid.")

    def _in_time(self, time):
        if abs((self.now() - time).total_seconds()) > self.settings.skew:
            message = "The difference between the request time and the current time is too large."
            raise OssError(403, "RequestTimeTooSkewed", message)

    @staticmethod
    def _same(want, got, string_to_sign, key):
        if not hmac.compare_digest(want.encode(), got.encode()):
            message = (
                "The request signature we calculated does not match the signature you provided."
                " Check your key and signing method."
            )
            fields = {"OSSAccessKeyId": key, "SignatureProvided": got, "StringToSign": string_to_sign}
            raise OssError(403, "SignatureDoesNotMatch", message, **fields)

    def _v1_header(self, request, text):
        key, _, signature = text.partition(":")
        date = request.headers.get("x-oss-date") or request.headers.get("Date") or ""
        try:
            time = email.utils.parsedate_to_datetime(date)
        except (TypeError, ValueError):
            raise denied("OSS authentication requires a valid Date.") from None
        self._in_time(time)
        return self._v1(request, key, signature, date, request.headers.get("x-oss-security-token"))

    def _v1_url(self, request):
        query = request.query
        if "Signature" not in query or "Expires" not in query:
            raise denied("Query-string authentication requires Signature, Expires and OSSAccessKeyId")
        if int(query["Expires"]) < self.now().timestamp():
            raise denied("Request has expired.", Expires=query["Expires"])
        return self._v1(
            request, query["OSSAccessKeyId"], query["Signature"], query["Expires"], query.get("security-token")
        )

    def _v1(self, request, key, signature, date, token):
        self._key(key, token, "v1")
        headers = sorted(
            (name.lower(), value.strip())
            for name, value in request.headers.items()
            if name.lower().startswith("x-oss-")
        )
        signed = sorted((name, value) for name, value in request.pairs if name in SIGNED_PARAMETERS)
        parameters = "&".join(name if value == "" else f"{name}={value}" for name, value in signed)
        string_to_sign = "\n".join(
            [
                request.method,
                request.headers.get("Content-MD5", ""),
                request.headers.get("Content-Type", ""),
                date,
                "".join(f"{name}:{value}\n" for name, value in headers)
                + request.resource()
                + ("?" + parameters if parameters else ""),
            ]
        )
        mac = hmac.new(self.settings.secret.encode(), string_to_sign.encode(), hashlib.sha1)
        self._same(base64.b64encode(mac.digest()).decode(), signature, string_to_sign, key)
        return "v1"

    def _v4(self, request, fields, in_url):
        query, headers = request.query, request.headers
        scope = fields.get("Credential", "").split("/")
        if len(scope) != 5 or scope[3:] != ["oss", V4_REQUEST]:
            raise bad("Invalid Credential", ArgumentName="Credential")
        key, day, region = scope[:3]
        where = query if in_url else headers
        date = where.get("x-oss-date") or ""
        self._key(key, where.get("x-oss-security-token"), "v4")
        try:
            time = dt.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.timezone.utc)
        except ValueError:
            raise bad("Invalid x-oss-date", ArgumentName="x-oss-date") from None
        if date[:8] != day or region != self.settings.region:
            message = f"Invalid signing region/date in Credential, expect {self.settings.region}"
            raise bad(message, Region=self.settings.region)
        if in_url:
            good_for = int(query.get("x-oss-expires", 0))
            if not 0 < good_for <= 604800:
                raise bad("x-oss-expires must be 1..604800")
            if self.now().timestamp() > time.timestamp() + good_for:
                raise denied("Request has expired.")
        else:
            self._in_time(time)
            if headers.get("x-oss-content-sha256") != "UNSIGNED-PAYLOAD":
                raise bad("x-oss-content-sha256 must be UNSIGNED-PAYLOAD")
        canonical = self._canonical(request, fields)
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        string_to_sign = "\n".join([V4, date, "/".join(scope[1:]), digest])
        secret = ("aliyun_v4" + self.settings.secret).encode()
        for word in (day, region, "oss", V4_REQUEST):
            secret = hmac.new(secret, word.encode(), hashlib.sha256).digest()
        want = hmac.new(secret, string_to_sign.encode(), hashlib.sha256).hexdigest()
        self._same(want, fields.get("Signature", ""), string_to_sign + "\n" + canonical, key)
        return "v4"

    @staticmethod
    def _canonical(request, fields):
        additional = [name for name in fields.get("AdditionalHeaders", "").split(";") if name]

        def is_signed(name):
            return name.startswith("x-oss-") or name in ("content-type", "content-md5") or name in additional

        headers = sorted(
            (name.lower(), value.strip()) for name, value in request.headers.items() if is_signed(name.lower())
        )
        pairs = sorted(
            (encoded(name), encoded(value)) for name, value in request.pairs if name != "x-oss-signature"
        )
        return "\n".join(
            [
                request.method,
                quote(request.resource(), safe="/-_.~"),
                "&".join(name if value == "" else f"{name}={value}" for name, value in pairs),
                "".join(f"{name}:{value}\n" for name, value in headers),
                ";".join(additional),
                "UNSIGNED-PAYLOAD",
            ]
        )


def encoded(text):
    return quote(text, safe="-_.~")
