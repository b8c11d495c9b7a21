"""The PostgreSQL driver of the Store port; `driver.open_postgres` opens it."""
