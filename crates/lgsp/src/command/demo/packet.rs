//! The packets of QCVN 120 as real systems send them: every kind through a façade to the portal and
//! back, and the bytes that arrived compared with those that were sent.

use bytes::Bytes;
use serde_json::{Value, json};
use simulator::consumer::Call;
use simulator::fixture;
use simulator::portal::Portal;
use terms::fault::Sentence;

use super::report::{Report, Step};
use super::story::{Consumer, fault_step, same};

use Road::{Adapter, Packet, Session};

/// The portal's place in the national exchange, as the province is registered.
const DESTINATION: &str = "VN:GOV:000.00.00.G22:vpcpdvcprovider";
/// The province's unit code.
const UNIT: &str = "000.00.00.H99";

/// By which of the façades a packet goes.
#[derive(Clone, Copy)]
enum Road {
    /// `/mapi/g`, the operation and the session in the body.
    Session,
    /// The national adapter's path in front of it.
    Adapter,
    /// A path of its own, records or parameters only.
    Packet,
}

/// A packet to send: step, packet, fixture (none for a table without a known name), road, the
/// `error_code` that must come back, and what an officer reads.
struct Sending {
    step: &'static str,
    packet: &'static str,
    fixture: &'static str,
    road: Road,
    code: &'static str,
    vi: &'static str,
    en: &'static str,
}

const fn sending(
    step: &'static str,
    packet: &'static str,
    fixture: &'static str,
    road: Road,
    code: &'static str,
    vi: &'static str,
    en: &'static str,
) -> Sending {
    Sending { step, packet, fixture, road, code, vi, en }
}

const SENDINGS: [Sending; 18] = [
    sending("dossier-new", "DongBoHoSoMC", "02", Session, "0", "hồ sơ mới", "a new dossier"),
    sending(
        "dossier-again",
        "DongBoHoSoMC",
        "05",
        Session,
        "3",
        "gửi trùng, Cổng báo đã có",
        "sent twice, the portal says so",
    ),
    sending(
        "dossier-supplement",
        "DongBoHoSoMC",
        "03",
        Adapter,
        "0",
        "cập nhật, yêu cầu bổ sung",
        "update, supplement asked",
    ),
    sending(
        "dossier-done",
        "DongBoHoSoMC",
        "04",
        Packet,
        "0",
        "cập nhật, đã trả kết quả",
        "update, result handed over",
    ),
    sending(
        "dossier-progress",
        "CapNhatTienDoHoSoMC",
        "08",
        Session,
        "0",
        "tiến độ xử lý",
        "progress",
    ),
    sending("rating", "DongBoDanhGia", "09", Packet, "0", "đánh giá", "ratings"),
    sending(
        "statistics",
        "DongBoThongKeHoSo",
        "11",
        Adapter,
        "0",
        "thống kê tháng",
        "statistics of a month",
    ),
    sending("procedure", "LayThuTuc", "13", Packet, "0", "lấy thủ tục", "a procedure"),
    sending(
        "decisions",
        "LayQDCB",
        "15",
        Adapter,
        "0",
        "lấy quyết định công bố",
        "publication decisions",
    ),
    sending(
        "petition",
        "DongBoPAKNDiaPhuong",
        "",
        Packet,
        "0",
        "phản ánh, kiến nghị (chưa biết tên trường)",
        "petitions (no field name known)",
    ),
    sending(
        "petitions-waiting",
        "DanhSachPAKNChoXuLy",
        "16",
        Adapter,
        "0",
        "PAKN chờ xử lý",
        "petitions to deal with",
    ),
    sending(
        "petition-result",
        "DongBoKetQuaXuLyPAKN",
        "",
        Session,
        "0",
        "kết quả xử lý PAKN (chưa biết tên trường)",
        "result of a petition (no field name known)",
    ),
    sending(
        "petition-document",
        "LayTaiLieuPAKN",
        "17",
        Packet,
        "0",
        "tài liệu PAKN",
        "documents of a petition",
    ),
    sending(
        "petitions-public",
        "DanhSachPAKNCongKhai",
        "18",
        Session,
        "0",
        "PAKN công khai",
        "public petitions",
    ),
    sending("question", "DongBoHoiDap", "19", Packet, "0", "hỏi đáp", "questions"),
    sending(
        "questions-sent",
        "LayDanhSachHoiDapGuiTuDVCQG",
        "20",
        Adapter,
        "0",
        "câu hỏi gửi từ Cổng",
        "questions sent from the portal",
    ),
    sending(
        "question-answer",
        "DongBoKetQuaHoiDapGuiTuDVCQG",
        "21",
        Session,
        "0",
        "trả lời câu hỏi",
        "answers to them",
    ),
    sending(
        "questions-agency",
        "LayDanhSachHoiDapBoCoQuan",
        "22",
        Adapter,
        "0",
        "hỏi đáp của bộ, cơ quan",
        "questions by ministry and agency",
    ),
];

/// What was sent, to be found again at the portal.
pub(super) struct Sent {
    /// The body, or the records in it, as they left the one-stop system.
    bytes: Bytes,
    /// The session that stands in it, which the platform exchanges for its own.
    session: Option<String>,
}

impl Consumer<'_> {
    /// Logs in as at the portal, then sends a packet of every kind. Gives what was sent.
    pub(super) async fn send_packets(&self, report: &mut Report) -> anyhow::Result<Vec<Sent>> {
        let session = self.log_in(report).await?;
        let mut all = Vec::new();
        for sending in &SENDINGS {
            let (call, sent) = self.pack(sending, &session)?;
            let answer = self.send(call).await?;
            let code = error_code(&answer.body);
            let said = said(&code, answer.text("message"));
            let title = Sentence::made(
                format!("{}: {}", sending.packet, sending.vi),
                format!("{}: {}", sending.packet, sending.en),
            );
            let ok = answer.answered() && code == sending.code;
            let text = same(answer.told(&format!("{} · {said}", sending.road.shown())));
            report.add(Step { name: sending.step, title, ok, text })?;
            all.push(sent);
        }
        Ok(all)
    }

    async fn log_in(&self, report: &mut Report) -> anyhow::Result<String> {
        let account = &self.account;
        let body = json!({"username": account.consumer_key, "password": account.secret_key});
        let url = format!("{}/mapi/login", self.live);
        let answer = self.send(Call::post(url, JSON, body.to_string())).await?;
        let session = answer.text("session").to_owned();
        let code = error_code(&answer.body);
        let ok = answer.answered() && code == "0" && !session.is_empty();
        report.add(Step {
            name: "portal-login",
            title: Sentence::new(
                "Đăng nhập kiểu Cổng DVC quốc gia, bằng khóa kết nối",
                "Log in the portal's way, with the platform's key",
            ),
            ok,
            text: same(answer.told(&said(&code, answer.text("message")))),
        })?;
        Ok(session)
    }

    /// A packet as its road wants it.
    fn pack(&self, sending: &Sending, session: &str) -> anyhow::Result<(Call, Sent)> {
        let body = sending.body(session)?;
        let live = &self.live;
        match sending.road {
            Session | Adapter => {
                let path = match sending.road {
                    Adapter => "/XrdAdapter/RestService/forward/mapi/g",
                    _ => "/mapi/g",
                };
                let call = Call::post(format!("{live}{path}"), JSON, body.clone());
                let session = Some(session.to_owned());
                let sent = Sent { bytes: body.into(), session };
                Ok((call.header("dstcode", DESTINATION), sent))
            }
            Packet => {
                let (target, records) = sending.apart(&body)?;
                let url = format!("{live}/packets/{target}");
                let call = Call::post(url, JSON, records.clone()).bearer(&self.token);
                // Parameters become members of the envelope: their own braces go.
                let inner = records.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
                let bytes = Bytes::copy_from_slice(inner.unwrap_or(&records).as_bytes());
                Ok((call, Sent { bytes, session: None }))
            }
        }
    }

    /// A packet that is wrong is refused with a sentence for the clerk; the portal never sees it.
    pub(super) async fn send_wrong_packet(&self, report: &mut Report) -> anyhow::Result<()> {
        let body = fixture_text("90", "x")?;
        let url = format!("{}/cong-dvc/1.0/mapi/g", self.live);
        let answer = self.send(Call::post(url, JSON, body).bearer(&self.token)).await?;
        let title = Sentence::new(
            "DongBoHoSoMC sai mã trạng thái: phải bị từ chối, chỉ rõ trường sai",
            "DongBoHoSoMC with a wrong state: refused, the field named",
        );
        let mut step = fault_step("packet-wrong", title, &answer, 422, "packet_invalid");
        step.ok &= answer.text("detail").contains("TrangThaiHoSo");
        step.text = same(answer.told(answer.text("detail")));
        report.add(step)?;
        Ok(())
    }
}

const JSON: &str = "application/json";

impl Road {
    fn shown(self) -> &'static str {
        match self {
            Session => "/mapi/g",
            Adapter => "/XrdAdapter",
            Packet => "/packets",
        }
    }
}

impl Sending {
    /// The envelope under a session. Of a table without a known name nothing is invented: one
    /// record without fields.
    fn body(&self, session: &str) -> anyhow::Result<String> {
        if !self.fixture.is_empty() {
            return fixture_text(self.fixture, session);
        }
        let packet = self.packet;
        Ok(format!(
            r#"{{"session":"{session}","madonvi":"{UNIT}","service":"{packet}","data":[{{}}]}}"#
        ))
    }

    /// Path and query, and what stays of the body, on a path of its own.
    fn apart(&self, body: &str) -> anyhow::Result<(String, String)> {
        let mut envelope: Value = serde_json::from_str(body)?;
        let updating = envelope["isUpdating"].as_str().unwrap_or_default();
        let query =
            if updating.is_empty() { String::new() } else { format!("&isUpdating={updating}") };
        let target = format!("{}?madonvi={UNIT}{query}", self.packet);
        if let Some(data) = envelope.get("data") {
            return Ok((target, data.to_string()));
        }
        if let Some(members) = envelope.as_object_mut() {
            members.retain(|name, _| !matches!(name.as_str(), "session" | "madonvi" | "service"));
        }
        Ok((target, envelope.to_string()))
    }
}

/// Did the portal get every one of these bodies, byte for byte but for the session?
pub(super) fn compare(portal: &Portal, sent: &[Sent], report: &mut Report) -> anyhow::Result<()> {
    let received: Vec<Bytes> = portal.received().iter().map(|request| request.body()).collect();
    let arrived = |sent: &Sent| {
        received.iter().any(|body| match &sent.session {
            Some(ours) => {
                let text = String::from_utf8_lossy(body);
                let envelope: Value = serde_json::from_str(&text).unwrap_or_default();
                let theirs = envelope["session"].as_str().unwrap_or_default();
                *theirs != **ours && text.replace(theirs, ours).as_bytes() == &sent.bytes[..]
            }
            None => body.windows(sent.bytes.len()).any(|window| *window == sent.bytes[..]),
        })
    };
    let (all, found) = (sent.len(), sent.iter().filter(|sent| arrived(sent)).count());
    let calls = portal.calls().iter().filter(|call| call.service != "login").count();
    report.add(Step {
        name: "portal-bytes",
        title: Sentence::new(
            "Cổng nhận đúng từng byte đã gửi, chỉ khác phiên đăng nhập",
            "The portal got the very bytes that were sent, but for the session",
        ),
        ok: found == all && calls == all,
        text: Sentence::made(
            format!("{found}/{all} gói tin; gói tin sai không đến Cổng"),
            format!("{found}/{all} packets; the wrong one did not arrive"),
        ),
    })?;
    Ok(())
}

/// `0`, `"0"` and `"00"` all mean success to a real portal's clients.
/// What the portal said; a pull that went well says nothing.
fn said(code: &str, message: &str) -> String {
    if message.is_empty() {
        format!("error_code {code}")
    } else {
        format!("error_code {code}: {message}")
    }
}

fn error_code(body: &Value) -> String {
    let code = match &body["error_code"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if code == "00" { "0".to_owned() } else { code }
}

fn fixture_text(number: &str, session: &str) -> anyhow::Result<String> {
    fixture::find(number)
        .and_then(|fixture| fixture.request_in(session))
        .ok_or_else(|| anyhow::anyhow!("fixture {number} has no request"))
}
