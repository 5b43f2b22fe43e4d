"""Voila shared by many viewers, behind a JupyterHub's sign-in; knows nothing of cities.

Run by the hub as a managed service: `python -m citylib.serving --SharedVoila.root_dir=FOLDER`.
"""
