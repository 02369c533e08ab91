"""Which groups of employees may be shown. Pure: knows neither dbt nor a database.

Data flow: who is in which group and answered what (frames) -> views, one per period and dimension (`disclosures.py`) -> the rules
within a view (`suppression.py`) and between two of them (`cuts.py`) -> a decision and its reason per group.
"""
