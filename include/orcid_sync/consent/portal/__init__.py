"""The researchers' portal: pages of its own, served beside Airflow."""
