//! The rules by which a packet is judged; their words are the contract of the check.

use std::fmt;

use serde::Serialize;

/// Defines the rules once: variant, word, meaning.
macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal,)*) => {
        /// What can be wrong with a packet.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Rule {
            $($(#[doc = $doc])* $name,)*
        }

        impl Rule {
            /// Every rule, in the order of the documentation.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// Its word: programs look here; never renamed.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Rule::$name => $word,)*
                }
            }
        }
    };
}

rules! {
    /// There is no body.
    BodyMissing = "body_missing",
    /// The body is longer than `PACKET_BYTES_MAX`.
    BodyTooLarge = "body_too_large",
    /// Not UTF-8: UTF-16, windows-1258, TCVN3 and the like.
    NotUtf8 = "not_utf8",
    /// JSON that begins with a byte order mark, which RFC 8259 §8.1 forbids to send.
    ByteOrderMark = "byte_order_mark",
    /// Neither JSON (RFC 8259) nor XML 1.0 from this place on.
    Syntax = "syntax",
    /// Nested deeper than `PACKET_DEPTH_MAX`.
    TooDeep = "too_deep",
    /// More values than `PACKET_VALUES_MAX`.
    TooMany = "too_many",
    /// More members in one object than `PACKET_MEMBERS_MAX`.
    TooManyMembers = "too_many_members",
    /// The same name twice in one object: two readers would see two packets.
    DuplicateKey = "duplicate_key",
    /// An XML document type declaration, by which entities could be defined.
    Doctype = "doctype",
    /// An XML entity besides the five and the numbered ones.
    Entity = "entity",
    /// Text beside elements, or an attribute that our XML form does not have.
    XmlForm = "xml_form",
    /// The service is neither a packet of the tables nor a known auxiliary service.
    ServiceUnknown = "service_unknown",
    /// The body names another service than the one that was called.
    ServiceMismatch = "service_mismatch",
    /// No version of the table is in force on the day.
    NotInForce = "not_in_force",
    /// More records than `PACKET_RECORDS_MAX`; none of them is looked at.
    TooManyRecords = "too_many_records",
    /// A packet that is sent without any record.
    NoRecord = "no_record",
    /// A required field is absent.
    Required = "required",
    /// A required field has no value.
    Empty = "empty",
    /// An array, an object or a scalar where another of them belongs.
    Shape = "shape",
    /// Not written as a date of the form that belongs here.
    DatetimeForm = "datetime_form",
    /// A day or a time that does not exist.
    DatetimeImpossible = "datetime_impossible",
    /// Not a number.
    NumberForm = "number_form",
    /// A number outside what is possible here.
    NumberRange = "number_range",
    /// A code outside its list.
    CodeUnknown = "code_unknown",
    /// Longer than the field may be, in characters.
    TooLong = "too_long",
    /// Text not in composed form (Unicode NFC, TCVN 6909:2001).
    NotComposed = "not_composed",
    /// A control character besides tab and line break.
    ControlCharacter = "control_character",
    /// Not an address from which a file can be fetched.
    FileAddress = "file_address",
    /// The same field twice, in different case.
    NameRepeated = "name_repeated",
    /// A field the table does not have; it passes.
    UnknownField = "unknown_field",
    /// Dates that must follow one another do not.
    DateOrder = "date_order",
    /// Figures do not add up.
    Sum = "sum",
    /// A percentage differs from its figures.
    Share = "share",
    /// Statistics for a period that is neither a month nor a year.
    Period = "period",
    /// A step between two states that is not usual.
    StatusStep = "status_step",
    /// A state without the date that belongs to it.
    StatusDate = "status_date",
    /// The same record twice in one packet.
    KeyRepeated = "key_repeated",
    /// More records than portals are known to take at once.
    GroupSize = "group_size",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
