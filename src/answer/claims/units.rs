//! Units of measure, money and time, by the names people give them.
//!
//! # Why
//! `3 years` and `三年` are one claim, `7 days` and `7 hours` are two. What converts exactly (12 months are a year, 1000
//! grams a kilogram) is one unit with a factor; what does not (a working day, a month in days) stays apart.

use std::sync::LazyLock;

/// A dimension with its base unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// No unit, or a measure word that says nothing (`个`, `pieces`).
    Count,
    Month,
    Day,
    WorkingDay,
    Second,
    Percent,
    Permille,
    /// `八折`: one tenth of the price each.
    Tenth,
    Times,
    Fold,
    Cny,
    Usd,
    Eur,
    Gbp,
    Jpy,
    Hkd,
    Twd,
    Millimeter,
    Inch,
    Foot,
    Gram,
    Pound,
    Ounce,
    Milliliter,
    Watt,
    WattHour,
    Volt,
    Milliampere,
    MilliampereHour,
    Hertz,
    Decibel,
    Degree,
    Fahrenheit,
    Byte,
    BitPerSecond,
    Kilopascal,
    Psi,
    NewtonMeter,
    KilometerPerHour,
    MilePerHour,
    MeterPerSecond,
    PerMinute,
    Person,
    Page,
    YearOfAge,
    Pixel,
    Point,
    Step,
}

/// A unit by name: what it is, how many base units it has, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The base unit.
    pub unit: Unit,
    /// Thousandths of the base unit in one of it.
    pub thousandths: i128,
    /// Length of the name that was read, in bytes.
    pub len_bytes: usize,
}

const K: i128 = 1000;

/// Names of units, with thousandths of the base unit. Names in Latin letters end at a word's end.
const NAMES: &[(Unit, i128, &str)] = &[
    (Unit::Month, 12 * K, "年 周年 years year yrs yr"),
    (Unit::Month, K, "个月 個月 個月份 months month mths"),
    (Unit::Day, 7 * K, "周 週 星期 个星期 個星期 礼拜 个礼拜 weeks week wks"),
    (Unit::Day, K, "天 日 自然日 个自然日 days day calendar-days"),
    (
        Unit::WorkingDay,
        K,
        "工作日 个工作日 個工作日 工作天 个工作天 營業日 營業日 营业日 个营业日 working_days working_day business_days business_day workdays workday",
    ),
    (Unit::Second, 3_600 * K, "小时 小時 个小时 個小時 钟头 个钟头 hours hour hrs hr h"),
    (Unit::Second, 60 * K, "分钟 分鐘 分 minutes minute mins min"),
    (Unit::Second, K, "秒 秒钟 秒鐘 seconds second secs sec s"),
    (Unit::Second, 1, "毫秒 milliseconds millisecond ms"),
    (Unit::Percent, K, "% percent per_cent 个百分点 個百分點"),
    (Unit::Permille, K, "‰"),
    (Unit::Tenth, K, "折"),
    (Unit::Times, K, "次 回 遍 times time"),
    (Unit::Fold, K, "倍 x"),
    (Unit::Cny, K, "元 块 块钱 塊 元人民币 人民币 rmb cny yuan"),
    (Unit::Usd, K, "美元 美金 usd dollars dollar"),
    (Unit::Eur, K, "欧元 歐元 eur euros euro"),
    (Unit::Gbp, K, "英镑 英鎊 gbp"),
    (Unit::Jpy, K, "日元 日圓 jpy yen"),
    (Unit::Hkd, K, "港元 港币 港幣 hkd"),
    (Unit::Twd, K, "新台币 新臺幣 新台幣 台币 臺幣 台幣 twd ntd"),
    (Unit::Millimeter, K, "毫米 mm millimeters millimeter millimetres"),
    (Unit::Millimeter, 10 * K, "厘米 公分 cm centimeters centimeter centimetres"),
    (Unit::Millimeter, 1_000 * K, "米 公尺 m meters meter metres metre"),
    (Unit::Millimeter, 1_000_000 * K, "公里 千米 km kilometers kilometer kilometres"),
    (Unit::Inch, K, "英寸 吋 inches inch"),
    (Unit::Foot, K, "英尺 feet foot ft"),
    (Unit::Gram, 1, "毫克 mg"),
    (Unit::Gram, K, "克 g grams gram"),
    (Unit::Gram, 500 * K, "斤"),
    (Unit::Gram, 1_000 * K, "千克 公斤 kg kilograms kilogram kgs"),
    (Unit::Gram, 1_000_000 * K, "吨 噸"),
    (Unit::Pound, K, "磅 lb lbs pounds pound"),
    (Unit::Ounce, K, "盎司 oz ounces ounce"),
    (Unit::Milliliter, K, "毫升 ml"),
    (Unit::Milliliter, 1_000 * K, "升 公升 l liters liter litres litre"),
    (Unit::Watt, K, "瓦 瓦特 w watts watt"),
    (Unit::Watt, 1_000 * K, "千瓦 kw"),
    (Unit::WattHour, K, "瓦时 wh"),
    (Unit::WattHour, 1_000 * K, "千瓦时 kwh"),
    (Unit::Volt, K, "伏 伏特 v volts volt"),
    (Unit::Milliampere, K, "毫安 ma"),
    (Unit::Milliampere, 1_000 * K, "安 安培 a amps amp"),
    (Unit::MilliampereHour, K, "毫安时 毫安時 mah"),
    (Unit::Hertz, K, "赫兹 hz"),
    (Unit::Hertz, 1_000 * K, "千赫 khz"),
    (Unit::Hertz, 1_000_000 * K, "兆赫 mhz"),
    (Unit::Hertz, 1_000_000_000 * K, "ghz"),
    (Unit::Decibel, K, "分贝 db"),
    (Unit::Degree, K, "度 ° °c ℃ 摄氏度 degrees degree"),
    (Unit::Fahrenheit, K, "°f ℉ 华氏度"),
    (Unit::Byte, K, "字节 bytes byte"),
    (Unit::Byte, 1_000 * K, "kb"),
    (Unit::Byte, 1_000_000 * K, "mb"),
    (Unit::Byte, 1_000_000_000 * K, "gb"),
    (Unit::Byte, 1_000_000_000_000 * K, "tb"),
    (Unit::BitPerSecond, 1_000 * K, "kbps"),
    (Unit::BitPerSecond, 1_000_000 * K, "mbps"),
    (Unit::BitPerSecond, 1_000_000_000 * K, "gbps"),
    (Unit::Kilopascal, K, "千帕 kpa"),
    (Unit::Kilopascal, 1_000 * K, "兆帕 mpa"),
    (Unit::Kilopascal, 100 * K, "巴 bar"),
    (Unit::Psi, K, "psi"),
    (Unit::NewtonMeter, K, "牛米 牛·米 n·m nm"),
    (Unit::KilometerPerHour, K, "公里/小时 千米/小时 公里每小时 km/h kph"),
    (Unit::MilePerHour, K, "mph"),
    (Unit::MeterPerSecond, K, "米/秒 m/s"),
    (Unit::PerMinute, K, "转/分 转/分钟 r/min rpm"),
    (Unit::Person, K, "人 人次 people persons person"),
    (Unit::Page, K, "页 頁 pages page"),
    (Unit::YearOfAge, K, "岁 歲 周岁"),
    (Unit::Pixel, K, "像素 pixels px"),
    (Unit::Point, K, "积分 points"),
    (Unit::Step, K, "步 steps"),
    (
        Unit::Count,
        K,
        "个 個 件 张 張 台 臺 只 隻 支 条 條 根 片 枚 双 雙 套 瓶 盒 包 份 种 種 款 项 項 位 名 组 組 处 處 颗 道 \
         pieces piece pcs items item units unit",
    ),
];

/// Signs and codes that stand before an amount of money.
const SIGNS: &[(Unit, &str)] = &[
    (Unit::Usd, "us$"),
    (Unit::Twd, "nt$"),
    (Unit::Hkd, "hk$"),
    (Unit::Cny, "rmb"),
    (Unit::Cny, "cny"),
    (Unit::Usd, "usd"),
    (Unit::Eur, "eur"),
    (Unit::Gbp, "gbp"),
    (Unit::Twd, "新台币"),
    (Unit::Twd, "新臺幣"),
    (Unit::Twd, "新台幣"),
    (Unit::Cny, "人民币"),
    (Unit::Cny, "¥"),
    (Unit::Cny, "￥"),
    (Unit::Usd, "$"),
    (Unit::Eur, "€"),
    (Unit::Gbp, "£"),
];

/// The names, longest first, so that `个工作日` is no `个`.
static SORTED: LazyLock<Vec<(String, Unit, i128)>> = LazyLock::new(|| {
    let named = |(unit, thousandths, names): &(Unit, i128, &str)| {
        let (unit, thousandths) = (*unit, *thousandths);
        names.split_whitespace().map(move |name| (name.replace('_', " "), unit, thousandths)).collect::<Vec<_>>()
    };
    let mut sorted: Vec<_> = NAMES.iter().flat_map(named).collect();
    sorted.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(&b.0)));
    sorted
});

/// The unit at the beginning of a plain text.
pub fn at_start(text: &str) -> Option<Named> {
    SORTED.iter().find(|(name, ..)| begins_with_name(text, name)).map(|(name, unit, thousandths)| Named {
        unit: *unit,
        thousandths: *thousandths,
        len_bytes: name.len(),
    })
}

/// The money whose sign ends a plain text.
pub fn sign_at_end(text: &str) -> Option<Named> {
    let trimmed = text.trim_end_matches(' ');
    let sign = SIGNS.iter().find(|(_, sign)| {
        trimmed.strip_suffix(sign).is_some_and(|before| {
            !sign.starts_with(|c: char| c.is_ascii_alphabetic())
                || !before.ends_with(|c: char| c.is_ascii_alphanumeric())
        })
    });
    sign.map(|(unit, sign)| Named { unit: *unit, thousandths: K, len_bytes: text.len() - trimmed.len() + sign.len() })
}

/// Whether a plain text names the unit anywhere as a word, such as a table's header does: `Price (CNY)`.
pub fn is_named_in(text: &str, unit: Unit) -> bool {
    let named = SORTED.iter().filter(|(_, known, _)| *known == unit);
    let signs = SIGNS.iter().filter(|(known, _)| *known == unit).map(|(_, sign)| *sign);
    named.map(|(name, ..)| name.as_str()).chain(signs).any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let is_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            is_word && begins_with_name(&text[at..], name)
        })
    })
}

impl Unit {
    /// Whether it is money.
    pub fn is_money(self) -> bool {
        matches!(self, Self::Cny | Self::Usd | Self::Eur | Self::Gbp | Self::Jpy | Self::Hkd | Self::Twd)
    }
}

fn begins_with_name(text: &str, name: &str) -> bool {
    let Some(rest) = text.strip_prefix(name) else { return false };
    let is_latin = name.ends_with(|c: char| c.is_ascii_alphabetic());
    !is_latin || !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_is_read() {
        let unit = |text| at_start(text).map(|named| named.unit);
        assert_eq!(unit("个工作日内"), Some(Unit::WorkingDay));
        assert_eq!(unit("个月"), Some(Unit::Month));
        assert_eq!(unit("个"), Some(Unit::Count));
        assert_eq!(unit("business days"), Some(Unit::WorkingDay));
        assert_eq!(unit("mah"), Some(Unit::MilliampereHour));
        assert_eq!(unit("minutes"), Some(Unit::Second));
        assert_eq!(unit("matter"), None);
    }

    #[test]
    fn money_stands_before_or_after() {
        assert_eq!(sign_at_end("costs us$ ").map(|named| named.unit), Some(Unit::Usd));
        assert_eq!(sign_at_end("价格 ¥").map(|named| named.unit), Some(Unit::Cny));
        assert_eq!(sign_at_end("neur"), None);
        assert!(is_named_in("价格 price (cny)", Unit::Cny) && !is_named_in("price", Unit::Cny));
        assert!(is_named_in("warranty (months)", Unit::Month) && !is_named_in("monthsary", Unit::Month));
    }
}
