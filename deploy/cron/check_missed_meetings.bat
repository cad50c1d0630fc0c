@echo off
rem For the Windows Task Scheduler, every five minutes: marks meetings that nobody came to, and tells both.
cd /d "%~dp0..\.."
if not exist .venv\Scripts\python.exe (echo The virtual environment .venv is missing. & exit /b 1)
.venv\Scripts\python.exe manage.py check_missed_meetings %*
exit /b %errorlevel%
