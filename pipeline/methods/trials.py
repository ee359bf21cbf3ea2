"""What the study and field trials say of small turbines on roofs [kWh a year]: told beside ours."""

STUDY_KWH = 3060.0  # of every turbine, in the study Powermapping: 90 % of a household
FIELD_TRIAL_KWH = (15, 870)  # of the poorest and the best turbine, at Warwick
