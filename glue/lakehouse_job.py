"""The script of the Glue job: `--additional-python-modules` has installed the application on driver and executors."""

from spark_app.entrypoints.glue import main

if __name__ == "__main__":
    main()
