//! The province's main job, step by step, over real HTTP.

use std::time::Duration;

use serde_json::Value;
use simulator::consumer::{self, Account, Call, Reply};
use terms::clock::Clock;
use terms::fault::Sentence;

use super::report::{Report, Step};

/// The demo calls this long with a revoked key before it says that nothing happened.
const REVOKED_WAIT_MAX: Duration = Duration::from_secs(10);
/// Pause between two of these calls.
const REVOKED_LOOK: Duration = Duration::from_millis(100);
/// The look-up that works until the key is revoked.
const LAND: &str = "/dat-dai/1.0/tra-cuu?maThua=123";

/// The one-stop system of the demo: its key, its token, and where it calls.
pub(super) struct Consumer<'a> {
    /// `http://ADDRESS` of the live listener.
    pub(super) live: String,
    pub(super) account: Account,
    pub(super) clock: &'a Clock,
    pub(super) token: String,
}

/// What came back, and after how long.
pub(super) struct Answer {
    reply: Reply,
    pub(super) body: Value,
    took: Duration,
}

impl Answer {
    pub(super) fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or("")
    }

    /// A good answer of the provider: every answer carries the id of its exchange.
    pub(super) fn answered(&self) -> bool {
        self.reply.status == 200 && self.reply.exchange_id().is_some()
    }

    /// This fault of the platform.
    pub(super) fn refused(&self, status: u16, code: &str) -> bool {
        self.reply.status == status
            && self.reply.fault().as_deref() == Some(code)
            && self.reply.exchange_id().is_some()
    }

    pub(super) fn told(&self, said: &str) -> String {
        format!("HTTP {} · {said} · {} ms", self.reply.status.as_u16(), self.took.as_millis())
    }
}

impl Consumer<'_> {
    async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Call::get(format!("{}{path}", self.live)).bearer(&self.token)).await
    }

    /// A call as any client makes it; under the token only where it carries one.
    pub(super) async fn send(&self, call: Call) -> anyhow::Result<Answer> {
        let opened = self.clock.instant();
        let reply = consumer::call(&call).await?;
        Ok(Answer {
            body: serde_json::from_slice(&reply.body).unwrap_or(Value::Null),
            reply,
            took: self.clock.instant().saturating_duration_since(opened),
        })
    }

    /// Asks for a token with key and secret, as any OAuth 2 client does.
    pub(super) async fn get_token(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let token = consumer::token(&format!("{}/token", self.live), &self.account).await?;
        let (chars, life) = (token.text.len(), token.lifetime.as_secs());
        self.token = token.text;
        report.add(Step {
            name: "token",
            title: Sentence::new(
                "Hệ thống một cửa xin token bằng khóa kết nối",
                "The one-stop system gets a token with its key",
            ),
            ok: chars == 60 && life == 3_600,
            text: Sentence::made(
                format!("token {chars} ký tự, sống {life} giây"),
                format!("token of {chars} characters, lives {life} s"),
            ),
        })?;
        Ok(())
    }

    /// Looks a land parcel up.
    pub(super) async fn look_up_land(&self, report: &mut Report) -> anyhow::Result<()> {
        let answer = self.get(LAND).await?;
        let parcel = format!(
            "{}, {} m², {}",
            answer.text("maThua"),
            answer.text("dienTich"),
            answer.text("mucDichSuDung")
        );
        let ok = answer.answered() && answer.text("maThua") == "123";
        report.add(Step {
            name: "land",
            title: Sentence::new("Tra cứu thửa đất 123", "Look up land parcel 123"),
            ok,
            text: same(answer.told(&parcel)),
        })?;
        Ok(())
    }

    /// Calls a service it never subscribed to.
    pub(super) async fn call_unsubscribed(&self, report: &mut Report) -> anyhow::Result<()> {
        let answer = self.get("/ho-tich/1.0/tra-cuu?so=1").await?;
        let title = Sentence::new(
            "Gọi dịch vụ chưa đăng ký khai thác: phải bị từ chối",
            "Call a service without a subscription: must be refused",
        );
        report.add(fault_step("unsubscribed", title, &answer, 403, "not_subscribed"))?;
        Ok(())
    }

    /// Calls a provider that never answers; the version's time-out of 2 s ends it.
    pub(super) async fn call_hanging(&self, report: &mut Report) -> anyhow::Result<()> {
        let answer = self.get("/treo/1.0").await?;
        let title = Sentence::new(
            "Gọi hệ thống bị treo: phải có trả lời đúng thời hạn 2 giây",
            "Call a provider that hangs: answered at its time-out of 2 s",
        );
        let mut step = fault_step("timeout", title, &answer, 504, "provider_timeout");
        let in_time =
            (Duration::from_millis(1_900)..Duration::from_millis(5_000)).contains(&answer.took);
        step.ok &= in_time;
        report.add(step)?;
        Ok(())
    }

    /// Calls until the revoked key's token is refused; its last success must be soon.
    pub(super) async fn call_revoked(&self, report: &mut Report) -> anyhow::Result<()> {
        let revoked = self.clock.instant();
        let mut last_success = Duration::ZERO;
        let answer = loop {
            let after = self.clock.instant().saturating_duration_since(revoked);
            let answer = self.get(LAND).await?;
            if answer.reply.status == 401 || after > REVOKED_WAIT_MAX {
                break answer;
            }
            // When it was sent: how long its row waited for the disk is another matter.
            last_success = after;
            tokio::time::sleep(REVOKED_LOOK).await;
        };
        let title = Sentence::new(
            "Gọi lại bằng token cũ: phải bị từ chối trong 1 giây",
            "Call again with the old token: refused within 1 s",
        );
        let mut step = fault_step("revoked", title, &answer, 401, "token_invalid");
        step.ok &= last_success <= Duration::from_secs(1);
        let last_success = last_success.as_millis();
        step.text = Sentence::made(
            format!("{} · lượt cuối còn được: {last_success} ms", step.text.vi),
            format!("{} · last success: {last_success} ms", step.text.en),
        );
        report.add(step)?;
        Ok(())
    }
}

pub(super) fn fault_step(
    name: &'static str,
    title: Sentence,
    answer: &Answer,
    status: u16,
    code: &'static str,
) -> Step {
    let said = format!("{} – {}", answer.text("code"), answer.text("title"));
    Step {
        name,
        title,
        ok: answer.refused(status, code),
        text: Sentence::made(answer.told(&said), answer.told(answer.text("code"))),
    }
}

pub(super) fn same(text: String) -> Sentence {
    Sentence::made(text.clone(), text)
}
