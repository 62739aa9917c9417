//! The calibration that is shipped: JSON, so that a better one needs no other program.

use super::AnswerError;
use crate::domain::calibration::Calibration;

/// What `kefu fit` wrote last.
const SHIPPED: &str = include_str!("calibration.json");

/// The calibration that is shipped.
pub fn shipped() -> Result<Calibration, AnswerError> {
    parse(SHIPPED)
}

/// A calibration as `kefu fit` writes it.
pub fn parse(json: &str) -> Result<Calibration, AnswerError> {
    let calibration: Calibration =
        serde_json::from_str(json).map_err(|error| AnswerError::Calibration { reason: error.to_string() })?;
    let is_sound = |scale: f64| scale.is_finite() && scale > 0.0;
    match calibration.coefficients.iter().find(|one| !is_sound(one.scale) || !one.weight.is_finite()) {
        Some(broken) => {
            Err(AnswerError::Calibration { reason: format!("`{}` has no usable scale or weight", broken.name) })
        }
        None => Ok(calibration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_calibration_is_sound_and_says_where_it_comes_from() {
        let calibration = shipped().unwrap();
        assert!(!calibration.coefficients.is_empty());
        assert!(calibration.provenance.n_rows > 100 && calibration.provenance.auroc_out_of_fold > 0.8);
    }

    #[test]
    fn a_scale_of_zero_is_refused() {
        let mut broken = shipped().unwrap();
        broken.coefficients[0].scale = 0.0;
        assert!(parse(&serde_json::to_string(&broken).unwrap()).is_err());
        assert!(parse("{}").is_err());
    }
}
