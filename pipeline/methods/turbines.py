"""What others found or reckoned for small turbines on roofs [kWh a year]: printed beside ours."""

STUDY_KWH = 3060.0  # of every turbine in the study Powermapping: 90 % of a household
FIELD_TRIAL_KWH = (15, 870)  # of the poorest and the best of the Warwick trials
