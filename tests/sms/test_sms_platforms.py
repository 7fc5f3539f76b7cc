"""Every platform signs as its vendor's example does, and understands what its documentation says it sends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cti.sms import aliyun, huawei, tencent, twilio, yunpian
from cti.sms.forms import encode_form, percent
from cti.sms.generic import Generic
from cti.sms.platform import HookRefused, Outgoing, Receipt, Reply, SmsError, event_key
from tests.sms import payloads as p

OUT = Outgoing(id="abc123", number="+8613800138000", text="您好", signature="十三秒货运", code="T1", values={"a": "甲"})


# --- signatures ------------------------------------------------------------------------------------------------------


def test_aliyun_signs_as_the_published_example() -> None:
    """The vendor's example request has the vendor's signature."""
    parameters = {
        "AccessKeyId": "testId",
        "Action": "SendSms",
        "Format": "XML",
        "OutId": "123",
        "PhoneNumbers": "15300000001",
        "RegionId": "cn-hangzhou",
        "SignName": "阿里云短信测试专用",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
        "SignatureVersion": "1.0",
        "TemplateCode": "SMS_71390007",
        "TemplateParam": '{"customer":"test"}',
        "Timestamp": "2017-07-12T02:42:19Z",
        "Version": "2017-05-25",
    }
    assert aliyun.signature("testSecret", "GET", parameters) == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


def test_tencent_signs_as_the_published_example() -> None:
    """The vendor's example of TC3-HMAC-SHA256 has the vendor's signature."""
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    made = tencent.authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        host="cvm.tencentcloudapi.com",
        body=body,
        at=1551113065,
    )
    assert made.endswith("Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168")


def test_twilio_signs_as_the_published_example() -> None:
    """The vendor's example callback has the vendor's signature."""
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio.signature("12345", url, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_yunpian_signs_as_the_published_example() -> None:
    """The documented reply has the documented `_sign`, with its full-width punctuation."""
    values = {
        "base_extend": "8888",
        "extend": "01",
        "id": "2a70c6bb4f2845da816ea1bfe5732747",
        "mobile": "15205201314",
        "reply_time": "2014-03-17 22:55:21",
        "text": "收到了，谢谢！",
    }
    assert yunpian.sign(values, "0000") == "393d079e0a00912335adfe46f4a2e10f"


def test_huawei_digest_is_the_base64_of_the_hex() -> None:
    """WSSE as documented: the digest is Base64 over the hex of SHA-256 of nonce, time and secret."""
    header = huawei.wsse("key", "secret", "n1", "2026-11-21T10:00:00Z")
    digest = base64.b64encode(hashlib.sha256(b"n12026-11-21T10:00:00Zsecret").hexdigest().encode()).decode()
    assert f'PasswordDigest="{digest}"' in header
    assert len(base64.b64decode(digest)) == 64


# --- sending ---------------------------------------------------------------------------------------------------------


def test_each_platform_carries_our_id_and_the_number_in_its_own_form() -> None:
    """Aliyun without the country code, Tencent and Huawei with +86, Twilio in E.164; our id goes along everywhere."""
    requests = {name: one.request(OUT, p.NOW, "n") for name, one in p.platforms().items()}
    for name, request in requests.items():
        text = request.body.decode()
        assert "abc123" in text or name == "twilio", name
        assert "13800138000" in text, name
        assert ("8613800138000" in text) == (name not in ("aliyun", "yunpian")), name
    sent = json.loads(requests["tencent"].body)
    assert (sent["PhoneNumberSet"], sent["TemplateParamSet"], sent["SessionContext"]) == (
        ["+8613800138000"],
        ["甲"],
        "abc123",
    )
    assert percent('{"a":"甲"}') in requests["aliyun"].body.decode()
    assert percent("【十三秒货运】您好") in requests["yunpian"].body.decode()


ANSWERS: list[tuple[str, int, Any, str]] = [
    ("aliyun", 200, {"Code": "OK", "BizId": "9^0", "Message": "OK"}, "9^0"),
    ("aliyun", 400, {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发分钟级流控"}, "permanent"),
    ("aliyun", 400, {"Code": "Throttling.User", "Message": "x"}, "temporary"),
    ("aliyun", 500, {"Code": "InternalError", "Message": "x"}, "unsure"),
    ("aliyun", 502, None, "unsure"),
    ("tencent", 200, {"Response": {"SendStatusSet": [{"Code": "Ok", "SerialNo": "5:6", "Fee": 2}]}}, "5:6"),
    (
        "tencent",
        200,
        {"Response": {"SendStatusSet": [{"Code": "FailedOperation.PhoneNumberInBlacklist", "Message": "x"}]}},
        "permanent",
    ),
    ("tencent", 200, {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "x"}}}, "temporary"),
    ("tencent", 200, {"Response": {"Error": {"Code": "InternalError.Timeout", "Message": "x"}}}, "unsure"),
    ("huawei", 200, {"code": "000000", "result": [{"smsMsgId": "h1", "status": "000000"}]}, "h1"),
    ("huawei", 400, {"code": "E000510", "description": "failed", "result": [{"status": "E200028"}]}, "permanent"),
    ("huawei", 503, None, "unsure"),
    ("yunpian", 200, {"code": 0, "msg": "ok", "count": 1, "fee": 0.05, "sid": 2**63 - 1}, str(2**63 - 1)),
    ("yunpian", 400, {"code": 33, "msg": "同一号码30秒内重复提交"}, "temporary"),
    ("yunpian", 400, {"code": 10, "msg": "号码黑名单"}, "permanent"),
    ("twilio", 201, {"sid": "SM1", "status": "queued", "num_segments": "1"}, "SM1"),
    ("twilio", 400, {"code": 21610, "message": "unsubscribed"}, "permanent"),
    ("twilio", 429, {"code": 20429, "message": "too many"}, "temporary"),
    ("twilio", 500, {"code": 20500, "message": "oops"}, "unsure"),
    ("generic", 200, {"code": 0}, ""),
    ("generic", 200, {"code": "7"}, "permanent"),
    ("generic", 200, b"<html>", "unsure"),
]


@pytest.mark.parametrize(("name", "status", "body", "meaning"), ANSWERS)
def test_an_answer_is_a_yes_a_no_or_not_sure(name: str, status: int, body: Any, meaning: str) -> None:
    """What may have gone out is never told as a plain no: a 5xx or nonsense leaves it open."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    platform = p.platforms()[name]
    if meaning in ("permanent", "temporary", "unsure"):
        with pytest.raises(SmsError) as caught:
            platform.sent(status, raw)
        kind = "unsure" if caught.value.unsure else "permanent" if caught.value.permanent else "temporary"
        assert kind == meaning
    else:
        assert platform.sent(status, raw).provider_id == meaning


def test_aliyun_is_asked_by_number_and_day_and_knows_ours_by_out_id() -> None:
    """QuerySendDetails: our OutId is a yes, none of fewer than a page a sure no, a full page or an error not sure."""
    platform = p.platforms()["aliyun"]
    question = platform.question(OUT, p.NOW, p.NOW, "n")
    assert question is not None
    assert b"SendDate=20261121" in question.body
    row = {"OutId": "other", "SendDate": "2026-11-21 18:00:00", "Content": "x"}

    def ask(rows: list[dict[str, str]], code: str = "OK") -> Any:
        answer = {"Code": code, "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}
        return platform.found(OUT, p.NOW, 200, json.dumps(answer).encode())

    assert ask([row, {**row, "OutId": "abc123"}])[0].ours
    assert ask([row]) == ()
    for rows, code in (([row] * 50, "OK"), ([], "Throttling")):
        with pytest.raises(SmsError) as caught:
            ask(rows, code)
        assert caught.value.unsure


# --- receipts and replies --------------------------------------------------------------------------------------------


def taken(name: str, push: Any) -> list[Receipt | Reply]:
    """The items of a callback."""
    return list(p.platforms()[name].take(push).items)


def test_receipts_of_every_platform_say_the_same_thing() -> None:
    """Whatever the form: provider's id, our id, number, delivered, and the moment in UTC."""
    one = [
        taken("aliyun", p.pushed([p.aliyun_report()]))[0],
        taken("tencent", p.pushed([p.tencent_report()]))[0],
        taken("huawei", p.pushed(p.huawei_report(), kind="form"))[0],
        taken("huawei", p.pushed({"statusReportList": [p.huawei_report()]}))[0],
        taken("yunpian", p.pushed({"sms_status": json.dumps([p.yunpian_report()])}, kind="form"))[0],
        taken(
            "generic",
            p.pushed(
                {
                    "items": [
                        {
                            "mobile": "13800138000",
                            "message_id": "m",
                            "ref": "abc123",
                            "status": "DELIVRD",
                            "delivrd_at": 1_795_255_198,
                        }
                    ]
                }
            ),
        )[0],
    ]
    for item in one:
        assert isinstance(item, Receipt)
        assert (item.message_id, item.status, item.error) == ("abc123", "delivered", "")
        assert item.number.endswith("13800138000")
        assert item.at == p.NOW - 2.0
    abroad = taken("aliyun", p.pushed([p.aliyun_abroad(), p.aliyun_abroad(Status="6", MessageId="2", ErrorCode="E")]))
    assert [(i.status, i.number) for i in abroad if isinstance(i, Receipt)] == [
        ("delivered", "+8521234567"),
        ("failed", "+8521234567"),
    ]


def test_failures_carry_their_code_and_words() -> None:
    """An error is kept as the platform told it, for each of them."""
    failures = [
        taken("aliyun", p.pushed([p.aliyun_report(success=False, err_code="MK:0001", err_msg="空号")]))[0],
        taken("tencent", p.pushed([p.tencent_report(report_status="FAIL", errmsg="UNDELIV", description="关机")]))[0],
        taken("huawei", p.pushed(p.huawei_report(status="E200027"), kind="form"))[0],
        taken(
            "yunpian",
            p.pushed(
                {"sms_status": json.dumps([p.yunpian_report(report_status="FAIL", error_msg="DB:0103")])}, kind="form"
            ),
        )[0],
        taken("twilio", p.twilio_push(p.twilio_report(MessageStatus="undelivered", ErrorCode="30005")))[0],
    ]
    assert [(i.status, i.error) for i in failures if isinstance(i, Receipt)] == [
        ("failed", "MK:0001"),
        ("failed", "UNDELIV"),
        ("failed", "E200027"),
        ("failed", "DB:0103"),
        ("failed", "30005"),
    ]


def test_replies_of_every_platform_say_the_same_thing() -> None:
    """Number, text and moment, whatever the form; Aliyun's sequence_id may be a number, its time without signs."""
    one = [
        taken("aliyun", p.pushed([p.aliyun_up()]))[0],
        taken("aliyun", p.pushed([p.aliyun_up(sequence_id=1234567890, send_time="20261121175958")]))[0],
        taken("tencent", p.pushed(p.tencent_up()))[0],
        taken("huawei", p.pushed(p.huawei_up(), kind="form"))[0],
        taken("yunpian", p.pushed({"sms_reply": json.dumps(p.yunpian_up())}, kind="form"))[0],
        taken(
            "generic",
            p.pushed({"items": [{"mobile": "13800138000", "content": "好的，谢谢", "time": 1_795_255_198_000}]}),
        )[0],
    ]
    for item in one:
        assert isinstance(item, Reply)
        assert item.text == "好的，谢谢"
        assert item.number.endswith("13800138000")
        assert item.at == p.NOW - 2.0
    assert event_key("aliyun", one[0], 0.0) == event_key("aliyun", one[1], 0.0)


def test_one_bad_entry_takes_no_other_with_it() -> None:
    """Half a batch is nonsense: the other half is taken, and the nonsense counted."""
    batch: list[Any] = [p.aliyun_report(), 17, None, {"phone_number": "1"}, p.aliyun_report(biz_id="2"), [], "x"]
    found = p.platforms()["aliyun"].take(p.pushed(batch))
    assert ([i.provider_id for i in found.items], found.bad) == (["932702304080415357^0", "2"], 5)
    found = p.platforms()["tencent"].take(p.pushed([p.tencent_report(), {"sid": 1}]))
    assert (len(found.items), found.bad) == (1, 1)


def test_yunpian_may_encode_once_or_twice_and_its_ids_keep_all_64_bits() -> None:
    """The same callback, encoded once more than a form needs, is the same; no digit of an id is lost."""
    text = json.dumps([p.yunpian_report()])
    for value in (text, percent(text), percent(percent(text))):
        item = taken("yunpian", p.pushed({"sms_status": value}, kind="form"))[0]
        assert item.provider_id == "9223372036854775807"


def test_yunpian_takes_a_signed_reply_only_with_the_right_signature() -> None:
    """A wrong `_sign` is refused; a null one is taken unless the site asks for signatures."""
    reply = p.yunpian_up()
    reply["_sign"] = yunpian.sign(reply, p.YUNPIAN_KEY)
    assert taken("yunpian", p.pushed({"sms_reply": json.dumps(reply)}, kind="form"))
    strict = yunpian.Yunpian("yunpian", api_key=p.YUNPIAN_KEY, must_sign=True)
    for bad, platform in (({**reply, "text": "别的"}, p.platforms()["yunpian"]), ({**reply, "_sign": None}, strict)):
        with pytest.raises(HookRefused) as caught:
            platform.take(p.pushed({"sms_reply": json.dumps(bad)}, kind="form"))
        assert caught.value.status == 401


def test_huawei_replies_read_in_the_wrong_charset_are_mended() -> None:
    """UTF-8 that was read as Latin-1 is Chinese again; text that never was is left alone."""
    broken = "好的，谢谢".encode().decode("latin-1")
    assert (
        taken("huawei", p.pushed(p.huawei_up(body=broken), kind="form"))[0]
        == taken("huawei", p.pushed(p.huawei_up(), kind="form"))[0]
    )
    reply = taken("huawei", p.pushed(p.huawei_up(body="Müller café"), kind="form"))[0]
    assert isinstance(reply, Reply)
    assert reply.text == "Müller café"


def test_forms_in_gb18030_are_read() -> None:
    """A form that is not UTF-8 is GB18030."""
    body = (
        b"smsMsgId=1&from=%2B8613800138000&to=1&body=" + "".join(f"%{b:02X}" for b in "退订".encode("gb18030")).encode()
    )
    reply = taken("huawei", p.pushed(body, kind="application/x-www-form-urlencoded"))[0]
    assert isinstance(reply, Reply)
    assert reply.text == "退订"


def sdk_signed(body: bytes, date: str, url: str, secret: str = "push-secret") -> dict[str, str]:
    """Headers of a callback that Huawei signs."""
    path = "/" + url.split("/", 3)[3]
    headers = {"content-type": "application/x-www-form-urlencoded", "host": url.split("/")[2], "x-sdk-date": date}
    names = "content-type;host;x-sdk-date"
    made = huawei.signature(
        secret, method="POST", path=path, query="", headers=headers, signed=names, date=date, body=body
    )
    return {**headers, "authorization": f"SDK-HMAC-SHA256 Access=push-key, SignedHeaders={names}, Signature={made}"}


def test_huawei_signed_callbacks_are_believed_for_five_minutes() -> None:
    """Another body, another secret, no date among what is signed, or five minutes of age: 401."""
    platform = huawei.Huawei(
        "huawei",
        app_key="a",
        app_secret="s",
        sender="1",
        url="https://h",
        push_key="push-key",
        push_secret="push-secret",
    )
    body, url = encode_form(p.huawei_report().items()), p.HOOK.format("huawei")
    at = datetime.fromtimestamp(p.NOW - 299, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = sdk_signed(body, at, url)
    # Behind a proxy the request shows another host: the one that was signed counts.
    inside = {**headers, "host": "127.0.0.1:8082"}
    assert platform.take(p.pushed(body, kind="x", url=url, headers=inside)).items
    late = datetime.fromtimestamp(p.NOW - 301, UTC).strftime("%Y%m%dT%H%M%SZ")
    for bad_body, bad_headers in (
        (body + b"&x=1", headers),
        (body, sdk_signed(body, late, url)),
        (body, sdk_signed(body, at, url, "other")),
        (body, {**headers, "authorization": headers["authorization"].replace("Access=push-key", "Access=other")}),
        (body, {**headers, "authorization": "SDK-HMAC-SHA256 nonsense"}),
        (body, {}),
    ):
        with pytest.raises(HookRefused) as caught:
            platform.take(p.pushed(bad_body, kind="x", url=url, headers=bad_headers))
        assert caught.value.status == 401


def test_twilio_is_believed_for_the_exact_address_it_called() -> None:
    """The address of the settings counts, with its query; another host, another query or another field: 401."""
    fields = p.twilio_up()
    good = p.twilio_push(fields)
    assert isinstance(taken("twilio", good)[0], Reply)
    assert taken("twilio", p.twilio_push(p.twilio_report()))[0].message_id == "abc123"  # type: ignore[union-attr]
    for bad in (
        p.pushed(fields, kind="form", url="http://127.0.0.1:8082/hooks/sms/twilio/0", headers=good.headers),
        p.pushed(fields, kind="form", url=good.url + "&x=1", headers=good.headers),
        p.pushed({**fields, "Body": "other"}, kind="form", url=good.url, headers=good.headers),
        p.pushed(fields, kind="form", url=good.url, headers={}),
    ):
        with pytest.raises(HookRefused) as caught:
            taken("twilio", bad)
        assert caught.value.status == 401


@pytest.mark.parametrize("kind", ["header", "basic", "hmac-sha256", "md5"])
def test_a_described_platform_proves_itself_as_described(kind: str) -> None:
    """Token, Basic, HMAC with a time, MD5 over sorted fields: right ones pass, everything else is 401."""
    secret, body = "s3cret-of-the-site", b'{"items":[{"mobile":"13800138000","content":"x"}]}'
    stamp = str(int(p.NOW))
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    proofs: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
        "header": ({"header": "X-Token"}, {"x-token": secret}),
        "basic": ({"user": "u"}, {"authorization": "Basic " + base64.b64encode(f"u:{secret}".encode()).decode()}),
        "hmac-sha256": (
            {"header": "X-Sig", "time_header": "X-Time"},
            {"x-sig": f"v1,bad v1,{base64.b64encode(mac.digest()).decode()}", "x-time": stamp},
        ),
        "md5": ({}, {}),
    }
    settings, headers = proofs[kind]
    platform = Generic("g", p.signed_rules(kind=kind, secret=secret, **settings))
    if kind == "md5":
        fields = {"items": '[{"mobile":"13800138000","content":"x"}]', "nonce": "n"}
        values = ",".join((fields["items"], "n", secret))
        good = p.pushed({**fields, "sign": hashlib.md5(values.encode()).hexdigest()}, kind="form")
        bad = p.pushed({**fields, "sign": "0" * 32}, kind="form")
    else:
        good, bad = p.pushed(body, headers=headers), p.pushed(body, headers={k: v + "x" for k, v in headers.items()})
    assert platform.take(good).items
    with pytest.raises(HookRefused) as caught:
        platform.take(bad)
    assert caught.value.status == 401
    if kind == "hmac-sha256":
        old = str(int(p.NOW) - 301)
        made = hmac.new(secret.encode(), f"{old}.".encode() + body, hashlib.sha256).hexdigest()
        with pytest.raises(HookRefused):
            platform.take(p.pushed(body, headers={"x-sig": f"sha256={made}", "x-time": old}))
        fresh = p.pushed(body, headers={"x-sig": mac.hexdigest(), "x-time": stamp})
        assert platform.take(fresh).items


@pytest.mark.parametrize("name", sorted(p.platforms()))
@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"{}",
        b"[]",
        b"[" * 20_000,
        b'{"a":' * 10_000,
        b"\xff\xfe\x00",
        b'[{"a":1e308}]',
        b'{"text":"\\ud800","mobile":"1","sid":1}',
        b"%ff%fe=%00&a=b",
        b"&" * 2000,
        b'[{"phone_number":"1","success":true,"biz_id":1' + b"0" * 5000 + b"}]",
        b"sms_status=%5B%5B%5B&sms_reply=%7B%22_sign%22%3A%5B%5D%7D",
    ],
)
def test_nonsense_is_refused_and_never_raises_anything_else(name: str, body: bytes) -> None:
    """Whatever comes, it is items or a refusal with a status."""
    for kind in ("application/json", "application/x-www-form-urlencoded", ""):
        with pytest.raises(HookRefused) as caught:
            p.platforms()[name].take(p.pushed(body, kind=kind))
        assert caught.value.status in (400, 401, 413)
