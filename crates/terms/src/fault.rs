//! What the platform answers when it cannot or will not carry a call: the catalogue of faults
//! (RTE-16) and their form on the wire (RFC 9457).

use std::borrow::Cow;

use serde::Serialize;

use crate::exchange::{Blame, ExchangeId, words};

words! {
    /// The code of a fault: the contract with consumers, never renamed.
    FaultCode {
        /// The request's form cannot be read in one way only.
        RequestInvalid = "request_invalid",
        /// A declared parameter is missing or of the wrong form.
        ParameterInvalid = "parameter_invalid",
        /// A packet of QCVN 120 has a wrong field.
        PacketInvalid = "packet_invalid",
        /// No token came with the call.
        TokenMissing = "token_missing",
        /// The token is not one of ours, altered, revoked, or its key is dead.
        TokenInvalid = "token_invalid",
        /// The token's time is over.
        TokenExpired = "token_expired",
        /// The system has no subscription for this service, version, environment or method.
        NotSubscribed = "not_subscribed",
        /// The system calls from an address that was not declared.
        AddressRefused = "address_refused",
        /// Outside the registered days, hours or dates.
        OutsideWindow = "outside_window",
        /// No service stands at this path.
        NoSuchRoute = "no_such_route",
        /// The version does not take this method.
        MethodNotAllowed = "method_not_allowed",
        /// The version has been retired.
        VersionRetired = "version_retired",
        /// The request body is larger than the version takes.
        BodyTooLarge = "body_too_large",
        /// The request head is too large.
        HeaderTooLarge = "header_too_large",
        /// The request did not come in time.
        RequestTimeout = "request_timeout",
        /// More calls than the subscription's rate.
        RateExceeded = "rate_exceeded",
        /// More calls than the subscription's quota.
        QuotaExceeded = "quota_exceeded",
        /// No connection to the provider could be made.
        ProviderUnreachable = "provider_unreachable",
        /// The provider broke HTTP or closed midway.
        ProviderError = "provider_error",
        /// The provider was awaited when the time ended.
        ProviderTimeout = "provider_timeout",
        /// The time ended with no provider awaited.
        DeadlineExceeded = "deadline_exceeded",
        /// The platform carries all that it can.
        Overloaded = "overloaded",
        /// A declared maintenance window.
        Maintenance = "maintenance",
        /// The journal cannot be written, so nothing may pass.
        JournalUnavailable = "journal_unavailable",
        /// The call came round in a circle of platforms.
        LoopDetected = "loop_detected",
        /// The platform broke.
        Internal = "internal",
        /// The platform stopped while the call was open (rows only, never sent).
        PlatformStopped = "platform_stopped",
    }
}

/// Whether the same request may succeed later unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    No,
    Yes,
    /// Yes if the provider was not reached, or if the request may safely be repeated.
    IfHarmless,
}

/// The fixed facts of one code.
struct Entry {
    status: u16,
    blame: Blame,
    retry: Retry,
    title_vi: &'static str,
    title_en: &'static str,
}

const fn entry(
    status: u16,
    blame: Blame,
    retry: Retry,
    title_vi: &'static str,
    title_en: &'static str,
) -> Entry {
    Entry { status, blame, retry, title_vi, title_en }
}

impl FaultCode {
    #[rustfmt::skip]
    const fn entry(self) -> Entry {
        use Blame::{Consumer, Platform, Provider};
        use FaultCode as F;
        match self {
            F::RequestInvalid => entry(400, Consumer, Retry::No, "Yêu cầu sai khuôn dạng", "The request is malformed"),
            F::ParameterInvalid => entry(400, Consumer, Retry::No, "Tham số thiếu hoặc sai", "A parameter is missing or wrong"),
            F::PacketInvalid => entry(422, Consumer, Retry::No, "Gói tin không đúng quy chuẩn", "The packet does not conform"),
            F::TokenMissing => entry(401, Consumer, Retry::No, "Thiếu token", "The token is missing"),
            F::TokenInvalid => entry(401, Consumer, Retry::No, "Token không hợp lệ", "The token is not valid"),
            F::TokenExpired => entry(401, Consumer, Retry::No, "Token đã hết hạn", "The token has expired"),
            F::NotSubscribed => entry(403, Consumer, Retry::No, "Chưa được cấp quyền khai thác dịch vụ này", "Not subscribed to this service"),
            F::AddressRefused => entry(403, Consumer, Retry::No, "Địa chỉ kết nối chưa được khai báo", "The calling address is not declared"),
            F::OutsideWindow => entry(403, Consumer, Retry::Yes, "Ngoài thời gian đã đăng ký", "Outside the registered time"),
            F::NoSuchRoute => entry(404, Consumer, Retry::No, "Không có dịch vụ tại đường dẫn này", "No service at this path"),
            F::MethodNotAllowed => entry(405, Consumer, Retry::No, "Phương thức không được hỗ trợ", "The method is not allowed"),
            F::VersionRetired => entry(410, Consumer, Retry::No, "Phiên bản dịch vụ đã ngừng", "The version has been retired"),
            F::BodyTooLarge => entry(413, Consumer, Retry::No, "Nội dung yêu cầu quá lớn", "The request body is too large"),
            F::HeaderTooLarge => entry(431, Consumer, Retry::No, "Phần đầu yêu cầu quá lớn", "The request header is too large"),
            F::RequestTimeout => entry(408, Consumer, Retry::Yes, "Yêu cầu gửi đến quá chậm", "The request came too slowly"),
            F::RateExceeded => entry(429, Consumer, Retry::Yes, "Vượt tần suất đã đăng ký", "The registered rate is exceeded"),
            F::QuotaExceeded => entry(429, Consumer, Retry::Yes, "Vượt hạn mức đã đăng ký", "The registered quota is exceeded"),
            F::ProviderUnreachable => entry(502, Provider, Retry::IfHarmless, "Không kết nối được với đơn vị cung cấp", "The provider cannot be reached"),
            F::ProviderError => entry(502, Provider, Retry::IfHarmless, "Đơn vị cung cấp trả lời sai giao thức", "The provider's answer is broken"),
            F::ProviderTimeout => entry(504, Provider, Retry::IfHarmless, "Đơn vị cung cấp không trả lời kịp thời hạn", "The provider did not answer in time"),
            F::DeadlineExceeded => entry(504, Platform, Retry::Yes, "Hết thời hạn xử lý", "The time for the call is over"),
            F::Overloaded => entry(503, Platform, Retry::Yes, "Nền tảng đang quá tải", "The platform is overloaded"),
            F::Maintenance => entry(503, Platform, Retry::Yes, "Nền tảng đang bảo trì", "The platform is under maintenance"),
            F::JournalUnavailable => entry(503, Platform, Retry::Yes, "Không ghi được nhật ký nên không chuyển tiếp", "The journal cannot be written, so nothing is forwarded"),
            F::LoopDetected => entry(508, Platform, Retry::No, "Yêu cầu bị chuyển vòng", "The call runs in a circle"),
            F::Internal => entry(500, Platform, Retry::No, "Lỗi của nền tảng", "The platform failed"),
            F::PlatformStopped => entry(500, Platform, Retry::No, "Nền tảng dừng khi đang xử lý", "The platform stopped during the call"),
        }
    }

    /// HTTP status of the answer.
    pub const fn status(self) -> u16 {
        self.entry().status
    }

    /// Whose turn it is.
    pub const fn blame(self) -> Blame {
        self.entry().blame
    }

    /// One line for people, in `language`.
    pub const fn title(self, language: Language) -> &'static str {
        match language {
            Language::Vi => self.entry().title_vi,
            Language::En => self.entry().title_en,
        }
    }
}

/// The languages in which the platform speaks to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Tiếng Việt, unless asked otherwise.
    #[default]
    Vi,
    /// English.
    En,
}

impl Language {
    /// Its tag for `Content-Language`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Language::Vi => "vi",
            Language::En => "en",
        }
    }

    /// English if `Accept-Language` prefers it to Vietnamese (RFC 9110, 12.5.4), else Vietnamese.
    pub fn preferred(accept_language: &str) -> Language {
        let mut vi = 0;
        let mut en = 0;
        for range in accept_language.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = quality(parameters);
            match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("vi") => vi = vi.max(quality),
                Some("en") => en = en.max(quality),
                _ => {}
            }
        }
        if en > vi { Language::En } else { Language::Vi }
    }
}

/// A quality value in thousandths: 1000 when absent, 0 when unreadable.
fn quality(parameters: &str) -> u32 {
    let Some(value) = parameters.split(';').find_map(|p| p.trim().strip_prefix("q=")) else {
        return 1_000;
    };
    value.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)).map_or(0, |q| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let thousandths = (q * 1_000.0) as u32;
        thousandths
    })
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Tiếng Việt.
    pub vi: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Sentence {
    /// A fixed sentence.
    pub const fn new(vi: &'static str, en: &'static str) -> Sentence {
        Sentence { vi: Cow::Borrowed(vi), en: Cow::Borrowed(en) }
    }

    /// A sentence made for one case.
    pub fn made(vi: String, en: String) -> Sentence {
        Sentence { vi: Cow::Owned(vi), en: Cow::Owned(en) }
    }

    /// Its text in `language`.
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

/// A refusal or failure on its way to the consumer. Nothing internal goes into it: no address of a
/// provider, no cause from a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happened.
    pub code: FaultCode,
    /// What exactly, for people; `None` leaves the title to speak.
    pub detail: Option<Sentence>,
    /// The provider may have acted on the request.
    pub reached: bool,
    /// The request may be repeated without harm (a safe method, or declared idempotent).
    pub safe: bool,
    /// Seconds after which to try again, for `Retry-After`.
    pub retry_after: Option<u32>,
}

impl Fault {
    /// A fault before any provider was asked.
    pub const fn new(code: FaultCode) -> Fault {
        Fault { code, detail: None, reached: false, safe: false, retry_after: None }
    }

    /// With a sentence that says what exactly.
    #[must_use]
    pub fn because(mut self, detail: Sentence) -> Fault {
        self.detail = Some(detail);
        self
    }

    /// With what is known of the provider: may it have acted, may the request be repeated.
    #[must_use]
    pub fn after_sending(mut self, reached: bool, safe: bool) -> Fault {
        self.reached = reached;
        self.safe = safe;
        self
    }

    /// With a time after which to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Fault {
        self.retry_after = Some(seconds);
        self
    }

    /// May the same request succeed later unchanged?
    pub fn retry(&self) -> bool {
        match self.code.entry().retry {
            Retry::No => false,
            Retry::Yes => true,
            Retry::IfHarmless => !self.reached || self.safe,
        }
    }

    /// The body, `application/problem+json` (RFC 9457).
    pub fn problem(&self, exchange: Option<ExchangeId>, language: Language) -> Vec<u8> {
        let entry = self.code.entry();
        let title = self.code.title(language);
        let problem = Problem {
            kind: format!("urn:lgsp:fault:{}", self.code),
            title,
            status: entry.status,
            detail: self.detail.as_ref().map_or(title, |d| d.text(language)),
            code: self.code,
            blame: entry.blame,
            retry: self.retry(),
            reached: self.reached,
            exchange,
        };
        serde_json::to_vec(&problem).unwrap_or_default()
    }
}

impl From<FaultCode> for Fault {
    fn from(code: FaultCode) -> Fault {
        Fault::new(code)
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: FaultCode,
    blame: Blame,
    retry: bool,
    reached: bool,
    exchange: Option<ExchangeId>,
}
