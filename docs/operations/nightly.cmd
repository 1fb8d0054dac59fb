@echo off
rem caretrace at night on Windows: a run, then a backup. Its exit code is the run's, or else the backup's.
rem Set these five; they can also be set in the environment of the task.
setlocal
if not defined CARETRACE set "CARETRACE=C:\caretrace\venv\Scripts\caretrace.exe"
if not defined PROJECT set "PROJECT=D:\caretrace\council"
if not defined BACKUPS set "BACKUPS=\\backup-server\caretrace"
if not defined CARETRACE_KEYS set "CARETRACE_KEYS=C:\caretrace\keys"
rem The public key, age1..., that backups are encrypted to; its private half is kept elsewhere.
if not defined BACKUP_KEY set "BACKUP_KEY="

if not exist "%PROJECT%\logs" mkdir "%PROJECT%\logs"
rem %DATE% looks different on every machine, so PowerShell gives the month.
for /f %%m in ('powershell -NoProfile -Command "Get-Date -Format yyyy-MM"') do set "MONTH=%%m"
set "LOG=%PROJECT%\logs\nightly-%MONTH%.log"

echo ==== %DATE% %TIME% >>"%LOG%"
call "%CARETRACE%" run --project "%PROJECT%" >>"%LOG%" 2>&1
set "RUN=%ERRORLEVEL%"
echo run ended with %RUN% >>"%LOG%"

rem 5: another run holds the project, so there is nothing to back up now and it will do so itself.
if "%RUN%"=="5" exit /b 5

set "TO="
if defined BACKUP_KEY set "TO=--to %BACKUP_KEY%"
call "%CARETRACE%" backup --out "%BACKUPS%" --keep 14 %TO% --project "%PROJECT%" >>"%LOG%" 2>&1
set "BACKUP=%ERRORLEVEL%"
echo backup ended with %BACKUP% >>"%LOG%"

if not "%RUN%"=="0" exit /b %RUN%
exit /b %BACKUP%
