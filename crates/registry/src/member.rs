//! A member: an agency or organisation that takes part (article 2), provider and consumer at once
//! if it likes.

pub(crate) mod store;

use std::sync::Arc;

use terms::code::MemberCode;

use crate::stated::{Broken, Stated};

/// A member as the catalogue holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its code (CAT-01).
    pub code: MemberCode,
    /// Its name.
    pub name: Arc<str>,
    /// Takes part? An ended member stays readable, and none of its systems may call.
    pub active: bool,
}

impl Member {
    pub(crate) fn read(stated: &Stated) -> Result<Member, Broken> {
        let code = stated.text("code").and_then(|c| MemberCode::parse(c).ok());
        Ok(Member {
            code: code.ok_or_else(|| Broken::field("code"))?,
            name: stated.shared("name"),
            active: stated.text("state").is_none(),
        })
    }
}
