//! How much a device record says.

use super::Kind;

/// Level 0 to 4 of METHODS section 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Something IoT-like, such as an embedded web server.
    Embedded = 0,
    /// The kind.
    Kind = 1,
    /// The maker.
    Maker = 2,
    /// Maker and kind.
    MakerAndKind = 3,
    /// The model number.
    Model = 4,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Self; 5] = [Self::Embedded, Self::Kind, Self::Maker, Self::MakerAndKind, Self::Model];

    /// What follows from what is known.
    pub fn of(has_maker: bool, kind: Option<Kind>, has_model: bool) -> Self {
        match (has_model, has_maker, kind.is_some_and(Kind::tells)) {
            (true, _, _) => Self::Model,
            (_, true, true) => Self::MakerAndKind,
            (_, true, false) => Self::Maker,
            (_, false, true) => Self::Kind,
            (_, false, false) => Self::Embedded,
        }
    }

    /// 0 to 4.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_from_what_is_known() {
        let camera = Some(Kind::Camera);
        assert_eq!(Level::of(true, camera, true).number(), 4);
        assert_eq!(Level::of(true, camera, false).number(), 3);
        assert_eq!(Level::of(true, Some(Kind::Other), false).number(), 2);
        assert_eq!(Level::of(false, camera, false).number(), 1);
        assert_eq!(Level::of(false, Some(Kind::EmbeddedWebServer), false).number(), 0);
    }
}
