"""Making a cohort and its calibration out of faces of many people: see script/cohort."""
