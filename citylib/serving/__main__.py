"""Start the shared Voila; address and sign-in come from the hub's environment."""

from citylib.serving.app import SharedVoila

if __name__ == "__main__":
    SharedVoila.launch_instance()
