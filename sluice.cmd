@echo off
rem Runs the gateway from a source tree: builds the jar when it is missing, then starts it.
rem Needs a JDK 17 or newer, in JAVA_HOME or on the PATH. JVM flags go in SLUICE_JAVA_OPTS.
rem After a change of the sources delete gateway-server\target\sluice.jar.
setlocal
set "SLUICE_HOME=%~dp0"
set "SLUICE_JAR=%SLUICE_HOME%gateway-server\target\sluice.jar"
set "SLUICE_JAVA=java"
if defined JAVA_HOME if exist "%JAVA_HOME%\bin\java.exe" set "SLUICE_JAVA=%JAVA_HOME%\bin\java.exe"

set "SLUICE_JAVA_VERSION="
for /f "tokens=3" %%v in ('""%SLUICE_JAVA%" -version 2^>^&1" ^| findstr /i " version "') do set "SLUICE_JAVA_VERSION=%%~v"
if not defined SLUICE_JAVA_VERSION (
    echo sluice: no Java found in JAVA_HOME or on the PATH; install a JDK 17 or newer 1>&2
    exit /b 1
)
set "SLUICE_JAVA_MAJOR=0"
for /f "tokens=1 delims=.-+_" %%m in ("%SLUICE_JAVA_VERSION%") do set "SLUICE_JAVA_MAJOR=%%m"
if %SLUICE_JAVA_MAJOR% LSS 17 (
    echo sluice: Java 17 or newer is needed; "%SLUICE_JAVA%" is %SLUICE_JAVA_VERSION%. Point JAVA_HOME at a newer JDK. 1>&2
    exit /b 1
)

if not exist "%SLUICE_JAR%" (
    echo Building Sluice ^(first run only^)... 1>&2
    pushd "%SLUICE_HOME%"
    call mvnw.cmd -q -B -ntp -DskipTests -pl gateway-server -am package
    popd
)
if not exist "%SLUICE_JAR%" (
    echo sluice: the build failed; the lines above say why 1>&2
    exit /b 1
)
"%SLUICE_JAVA%" -XX:+UseSerialGC -Dio.netty.leakDetection.level=disabled %SLUICE_JAVA_OPTS% -jar "%SLUICE_JAR%" %*
