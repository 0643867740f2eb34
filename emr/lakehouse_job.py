"""The entry point of the EMR Serverless job, inside the image or beside the archive of its environment."""

from spark_app.entrypoints.emr import main

if __name__ == "__main__":
    main()
