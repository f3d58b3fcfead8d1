//! The bundled fonts: no machine shows empty boxes, whatever fonts it has.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily, FontTweak};

const INTER: &[u8] = include_bytes!("../../assets/fonts/inter-regular-subset.otf");
const INTER_SEMIBOLD: &[u8] = include_bytes!("../../assets/fonts/inter-semibold-subset.otf");
const CHINESE: &[u8] = include_bytes!("../../assets/fonts/noto-sans-sc-subset.otf");
const ARABIC: &[u8] = include_bytes!("../../assets/fonts/noto-sans-arabic-subset.ttf");
const EMOJI: &[u8] = include_bytes!("../../assets/fonts/noto-emoji.ttf");
const ICONS: &[u8] = include_bytes!("../../assets/fonts/material-icons-subset.ttf");

pub fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::default();
    for (name, bytes) in [
        ("inter", INTER),
        ("inter-semibold", INTER_SEMIBOLD),
        ("chinese", CHINESE),
        ("arabic", ARABIC),
        ("emoji", EMOJI),
    ] {
        fonts
            .font_data
            .insert(name.into(), Arc::new(FontData::from_static(bytes)));
    }
    let icons = FontData::from_static(ICONS).tweak(FontTweak {
        // Icons fill the em from the baseline up: larger than the letters and centred on them.
        scale: 1.25,
        y_offset_factor: 0.05,
        ..FontTweak::default()
    });
    fonts.font_data.insert("icons".into(), Arc::new(icons));

    let fallback = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    // Chinese stands before the emoji font, which would draw its ！ and ？ as emoji.
    let family = |first: &str| -> Vec<String> {
        [first, "icons", "chinese", "arabic", "emoji"]
            .into_iter()
            .map(str::to_owned)
            .chain(fallback.iter().cloned())
            .collect()
    };
    fonts
        .families
        .insert(FontFamily::Proportional, family("inter"));
    fonts
        .families
        .insert(super::theme::semibold(), family("inter-semibold"));
    let mono = fonts.families.entry(FontFamily::Monospace).or_default();
    for name in ["emoji", "arabic", "chinese", "icons"] {
        mono.insert(1.min(mono.len()), name.into());
    }
    ctx.set_fonts(fonts);
}
